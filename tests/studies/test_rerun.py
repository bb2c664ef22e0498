"""What to think of a run that is not the same to the last digit."""

import pytest

from bardtune.studies.export.rerun import Report, compare


def report(bpb: float, percent: int = 100) -> Report:
    return Report(percent=percent, step=percent, recorded_bpb=2.0, bpb=bpb)


@pytest.mark.parametrize(
    ("last_bpb", "environment_changes", "outcome"),
    [
        (2.0 + 5e-7, (), "verified"),
        (2.0 + 5e-7, ("torch was 1 and is 2",), "verified"),
        (2.00001, (), "different"),
        (2.00001, ("torch was 1 and is 2",), "equal within tolerance"),
        (2.02, ("torch was 1 and is 2",), "different"),
        (float("inf"), ("torch was 1 and is 2",), "different"),
        (float("nan"), (), "different"),
    ],
)
def test_a_difference_is_excused_by_another_machine_only_and_up_to_a_tolerance(
    last_bpb: float, environment_changes: tuple[str, ...], outcome: str
) -> None:
    found = compare([report(2.0, 10), report(last_bpb)], environment_changes=environment_changes, tolerance=0.01)
    assert found.outcome == outcome
    assert (found.parted_at is None) == (outcome == "verified")

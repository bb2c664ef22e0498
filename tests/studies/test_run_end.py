"""What becomes of a script's run: its ending, its bpb, and how far that can be trusted."""

import json
from typing import Any

import pytest

from bardtune.studies.contract.run_end import Check, RunEnd, ScriptEnd, run_end_of, with_check

STATS = {"seconds": {"setup": 1.0, "train": 5.0, "evaluate": 2.0}}
MEASURED = RunEnd(ending="finished", val_bpb=2.5, trust="measured", stats=STATS)


def ended(*notes: tuple[str, float, dict[str, Any]], said: float = 2.5, wall_s: float = 10.0) -> ScriptEnd:
    """A script that began at second 0 and about which prepare noted this."""
    facts = tuple({"event": event, "at": at, "pid": 1, **more} for event, at, more in notes)
    out = json.dumps({"val_bpb": said})
    return ScriptEnd(exit_code=0, stdout=out, stderr="", wall_s=wall_s, started=0.0, pid=1, notes=facts)


def evaluated(since: float, to: float, bpb: float, **more: Any) -> list[tuple[str, float, dict[str, Any]]]:
    return [("evaluation began", since, more), ("evaluated", to, {"val_bpb": bpb, **more})]


@pytest.mark.parametrize(
    ("notes", "trust"),
    [
        ([], "self-reported"),
        (evaluated(5.0, 6.0, 2.5000004), "measured"),
        (evaluated(5.0, 6.0, 2.51), "self-reported"),
        (evaluated(3.0, 4.0, 2.5) + evaluated(5.0, 6.0, 3.0), "self-reported"),  # the last call counts
        (evaluated(5.0, 6.0, 2.5, pid=2), "self-reported"),  # another process
        ([("evaluated", 6.0, {"val_bpb": "2.5"})], "self-reported"),
    ],
)
def test_a_number_is_trusted_as_far_as_prepare_has_measured_it(notes: list[Any], trust: str) -> None:
    assert run_end_of(ended(*notes), budget_s=5.0).trust == trust


def test_training_lasts_from_the_first_batch_to_the_last_evaluation_without_those_between() -> None:
    notes = [("imported", 1.0, {}), ("first batch", 2.0, {}), *evaluated(4.0, 5.0, 3.0), *evaluated(8.0, 9.5, 2.5)]
    stats = run_end_of(ended(*notes), budget_s=5.0).stats
    assert stats["seconds"] == {"setup": 2.0, "train": 5.0, "evaluate": 2.5}
    assert not stats["over_budget"]
    assert run_end_of(ended(*notes), budget_s=3.0).stats["over_budget"]


def test_the_score_replaces_what_the_script_said_and_a_difference_is_told() -> None:
    same = with_check(MEASURED, Check(val_bpb=2.50004, wall_s=3.0))
    assert (same.ending, same.val_bpb, same.trust, same.reason) == ("finished", 2.50004, "checked", None)
    assert same.stats["seconds"] == {"setup": 1.0, "train": 5.0, "evaluate": 5.0}
    other = with_check(MEASURED, Check(val_bpb=3.25))
    assert (other.val_bpb, other.trust, other.reason) == (3.25, "checked", "the script reported 2.500000")
    assert other.stats["said_bpb"] == 2.5


def test_without_a_score_the_trust_stays_what_it_was() -> None:
    end = with_check(MEASURED, Check(problem="there is no file 'w'"))
    assert (end.ending, end.val_bpb, end.trust) == ("finished", 2.5, "measured")
    assert end.reason == "not checked: there is no file 'w'"


@pytest.mark.parametrize(
    ("check", "ending", "reason"),
    [
        (Check(illegal="looks ahead"), "crashed", "the model that it handed back looks ahead"),
        (Check(val_bpb=float("nan")), "diverged", "the bpb of what it handed back is nan"),
        (Check(val_bpb=0.01), "crashed", "the bpb of what it handed back 0.01 is below 0.1"),
        (Check(val_bpb=99.0), "crashed", "the bpb of what it handed back 99 is above 16"),
    ],
)
def test_a_model_that_no_number_can_be_given_ends_its_run(check: Check, ending: str, reason: str) -> None:
    end = with_check(MEASURED, check)
    assert (end.ending, end.val_bpb, end.trust) == (ending, None, None)
    assert (end.reason or "").startswith(reason)

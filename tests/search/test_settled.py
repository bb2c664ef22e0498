"""When nothing more is to be gained."""

import pytest

from bardtune.search.engine.settled import MIN_FINISHED, Outlook, outlook
from bardtune.search.sampling.so_far import StudySoFar
from bardtune.studies.records import StudyRecord
from bardtune.studies.surrogate.maker import SurrogateMaker
from support.curves import study_with_curves
from support.searched import SPACE, searched


def outlook_of(record: StudyRecord, num_runs: int) -> Outlook | None:
    so_far = StudySoFar(space=SPACE, record=lambda: record, surrogates=SurrogateMaker(SPACE.parameters))
    return outlook(so_far, num_runs)


def test_a_search_that_has_found_the_optimum_expects_less_than_one_that_has_not() -> None:
    early, late = outlook_of(study_with_curves(MIN_FINISHED), 20), outlook_of(searched(30), 20)
    assert early is not None
    assert late is not None
    assert 0 <= late.gain_bpb < early.gain_bpb
    assert late.is_settled


def test_more_runs_promise_no_less() -> None:
    record = study_with_curves(14)
    one, many = outlook_of(record, 1), outlook_of(record, 30)
    assert one is not None
    assert many is not None
    assert one.gain_bpb <= many.gain_bpb


@pytest.mark.parametrize(("trials", "num_runs"), [(MIN_FINISHED - 1, 20), (30, 0)])
def test_nothing_is_said_of_few_trials_nor_of_no_runs(trials: int, num_runs: int) -> None:
    assert outlook_of(study_with_curves(trials), num_runs) is None


def test_it_is_said_in_a_sentence() -> None:
    found = Outlook(gain_bpb=0.0007, noise_bpb=0.0021, num_runs=20)
    assert found.is_settled
    assert found.text == (
        "nothing more to gain: 0.0007 bpb expected of the next 20 runs, and seeds alone differ by 0.0021"
    )

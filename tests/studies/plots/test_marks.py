"""Who has won, as pictures mark it."""

import pytest

from bardtune.studies.plots.marks import best_mark_of
from bardtune.studies.records import StudyRecord
from support.whole_study import whole_study


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return whole_study()


def test_the_winner_is_marked_by_fresh_runs_and_not_by_its_luck(record: StudyRecord) -> None:
    best_mark = best_mark_of(record)
    assert best_mark is not None
    assert (best_mark.word, best_mark.n) == ("winner", 2)
    assert best_mark.trial.number != best_mark.raw.number
    assert best_mark.text == f"winner: trial {best_mark.trial.number}, {best_mark.bpb:.4f} ± {best_mark.sd:.4f} (n = 2)"
    assert f"The lowest single value was trial {best_mark.raw.number}'s" in best_mark.note

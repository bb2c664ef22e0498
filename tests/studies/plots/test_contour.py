"""bpb over the two most important parameters."""

import pytest

from bardtune.studies.records import StudyRecord
from support.study_records import planted_record
from support.views import view_of_record
from support.whole_study import whole_study


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return whole_study()


def test_the_contour_is_of_the_two_most_important_and_blank_where_no_trial_is(record: StudyRecord) -> None:
    view = view_of_record(record, "contour")
    assert view.x.name == "learning_rate"
    cells = [bpb for row in view.bpb for bpb in row]
    assert None in cells
    assert min(bpb for bpb in cells if bpb is not None) < 2.25


def test_the_contour_of_a_small_study_says_that_it_cannot_tell() -> None:
    assert (view_of_record(planted_record(8), "contour").frame.sentence or "").startswith("Too few trials to tell")

"""What several pictures ask of a study."""

import pytest

from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.views.history import History
from bardtune.studies.records import StudyRecord
from support.study_records import make_record, make_trial, planted_record
from support.views import view_of_record


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return planted_record(30)


@pytest.mark.parametrize("name", ["/home/somebody/books", "/home/somebody/books/", "C:\\Users\\me\\books", "books"])
def test_the_frame_names_the_corpus_without_its_folder(name: str) -> None:
    frame = PlotData(make_record(make_trial(0), corpus={"name": name})).frame("bpb")
    assert frame.subtitle == "books  ·  1 trial  ·  180 s each"


def test_views_of_a_study_are_plain_values(record: StudyRecord) -> None:
    assert isinstance(view_of_record(record, "history"), History)
    assert view_of_record(record, "history") == view_of_record(planted_record(30), "history")

"""Pictures for notebooks: each says what it is, or in a sentence why there is none."""

import plotly.graph_objects as go
import pytest

from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.plotly.standalone import standalone_figure
from bardtune.studies.plots.registry import KINDS, view_of
from bardtune.studies.records import StudyRecord
from support.study_records import make_record
from support.whole_study import whole_study


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return whole_study()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_figure_with_its_title(kind: str, record: StudyRecord) -> None:
    view = view_of(PlotData(record), kind)
    figure = standalone_figure(view)
    assert isinstance(figure, go.Figure)
    assert len(figure.data) > 0
    assert figure.layout.title.text == view.frame.title
    assert figure.layout.title.subtitle.text == view.frame.subtitle
    assert "/home/somebody" not in figure.to_json()


@pytest.mark.parametrize("kind", KINDS)
def test_where_there_is_nothing_to_draw_the_figure_says_why(kind: str) -> None:
    view = view_of(PlotData(make_record()), kind)
    assert view.frame.sentence is not None
    figure = standalone_figure(view)
    assert [note.text for note in figure.layout.annotations] == [view.frame.sentence]
    assert figure.layout.title.text == view.frame.title


def test_a_corpus_named_like_markup_stays_text() -> None:
    record = make_record(corpus={"name": "<b>bold", "bytes": 9, "sha256": "0" * 64})
    assert "&lt;b&gt;" in standalone_figure(view_of(PlotData(record), "history")).layout.title.subtitle.text

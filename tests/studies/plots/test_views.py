"""Studies that leave a picture little to show: a figure or a sentence, never a traceback."""

import io
import json
import xml.etree.ElementTree as ET

import matplotlib.image
import pytest

from bardtune.studies.plots.matplotlib.picture import figure as matplotlib_figure
from bardtune.studies.plots.plotly.page import page
from bardtune.studies.plots.registry import FORMATS, KINDS, render
from support.odd_studies import odd_studies
from support.study_records import make_record, planted_record
from support.views import figure_of, view_of_record

FEW = ("running", "one", "two", "pruned", "lost", "conditional", "infinite", "only-other-runs", "no-parameters")
LARGE = [pytest.param(name, marks=() if name in FEW else pytest.mark.long) for name in odd_studies()]


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("kind", KINDS)
def test_odd_studies_are_drawn_by_both_libraries(name: str, kind: str) -> None:
    view = view_of_record(odd_studies()[name], kind)
    if view.frame.sentence is None:
        drawn = figure_of(view).to_plotly_json()
        assert drawn["data"]
        json.dumps(drawn, allow_nan=False, default=list)  # a value that is no number is refused here
    else:
        assert view.frame.sentence.endswith(".")
    matplotlib_figure(view).draw_without_rendering()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["infinite", pytest.param("huge-names", marks=pytest.mark.long), "starved"])
def test_odd_studies_make_whole_files_of_every_format(name: str, kind: str) -> None:
    view = view_of_record(odd_studies()[name], kind)
    files = {format_: render(view, format_) for format_ in FORMATS}
    assert files["html"].endswith(b"</html>\n")
    assert ET.fromstring(files["svg"]).tag.endswith("svg")
    height, width, _ = matplotlib.image.imread(io.BytesIO(files["png"])).shape
    assert (height, width) >= (540, 1650)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_study_says_so_in_the_picture(kind: str) -> None:
    view = view_of_record(make_record(), kind)
    assert view.frame.sentence is not None
    assert view.frame.sentence.endswith(".")
    assert view.frame.sentence in page(view)
    drawn = [text.get_text().replace("\n", " ") for text in matplotlib_figure(view).texts]
    assert view.frame.sentence in drawn


def test_hidden_importance_draws_the_reason_and_no_bars() -> None:
    view = view_of_record(planted_record(12), "importance")
    assert view.frame.sentence.startswith("Too few trials to tell")
    assert matplotlib_figure(view).axes == []
    assert "Plotly.newPlot" not in page(view)

"""Studies that leave a picture little to show: a figure or a sentence, never a traceback."""

import pytest
from bardtune.studies.plots import FORMATS, KINDS
from bardtune.studies.plots.interactive import figure
from bardtune.studies.plots.page import page
from bardtune.studies.plots.static import figure as static_figure
from bardtune.studies.plots.view import Bars
from bardtune.studies.plots.write import render, view_of

from support.odd_studies import odd_studies
from support.study_records import make_record, planted_record

FEW = ("running", "one", "two", "pruned", "lost", "conditional", "infinite", "only-other-runs", "no-parameters")
LARGE = [pytest.param(name, marks=() if name in FEW else pytest.mark.long) for name in odd_studies()]


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("kind", KINDS)
def test_odd_studies_are_drawn_by_both_renderers(name: str, kind: str) -> None:
    seen = view_of(odd_studies()[name], kind)
    if seen.frame.sentence is None:
        assert "NaN" not in figure(seen).to_json()
    else:
        assert seen.frame.sentence.endswith(".")
    static_figure(seen).draw_without_rendering()


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["infinite", pytest.param("huge-names", marks=pytest.mark.long), "starved"])
def test_odd_studies_make_files_of_every_format(name: str, kind: str, format_: str) -> None:
    assert len(render(view_of(odd_studies()[name], kind), format_)) > 1_000


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_study_says_so_in_the_picture(kind: str) -> None:
    seen = view_of(make_record(), kind)
    assert seen.frame.sentence is not None
    assert seen.frame.sentence.endswith(".")
    assert seen.frame.sentence in page(seen)
    drawn = [text.get_text().replace("\n", " ") for text in static_figure(seen).texts]
    assert seen.frame.sentence in drawn


def test_hidden_importance_draws_the_reason_and_no_bars() -> None:
    seen = view_of(planted_record(12), "importance")
    assert isinstance(seen, Bars)
    assert seen.frame.sentence == seen.importance.reason
    assert static_figure(seen).axes == []
    assert "Plotly.newPlot" not in page(seen)

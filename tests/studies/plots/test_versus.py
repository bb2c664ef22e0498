"""The best so far of several studies in one picture."""

import math
from dataclasses import replace

import pytest

from bardtune.studies.analysis.versus import versus
from bardtune.studies.plots.registry import drawn_by, render
from bardtune.studies.plots.views.versus import BestSoFar, best_so_far
from support.study_records import make_record, make_trial, planted_record

MEAN = 2.25


def found(*names: str):
    records = [planted_record(20 + 5 * place, seed=place) for place in range(len(names))]
    fresh = tuple(make_trial(n, MEAN + n / 1000, role="confirmation", candidate=0, params={}) for n in range(2))
    return versus([replace(each, name=name, other_runs=fresh) for name, each in zip(names, records, strict=True)])


def test_each_line_falls_from_trial_to_trial_and_its_winner_has_a_mark() -> None:
    shown = best_so_far(found("a", "b"))
    assert isinstance(shown, BestSoFar)
    assert (shown.last, [line.name for line in shown.lines]) == (25, ["a", "b"])
    for line in shown.lines:
        bpbs = [bpb for _, bpb in line.steps]
        assert bpbs == sorted(bpbs, reverse=True)
        assert shown.low < min(bpbs)
        assert line.mean == pytest.approx(MEAN + 0.0005)
    assert len({line.colour for line in shown.lines}) == 2
    assert "cannot be told from chance" in shown.frame.note


def test_both_libraries_draw_every_study_once() -> None:
    shown = best_so_far(found("a", "b", "c"))
    lines = [trace.name for trace in drawn_by("plotly", shown).figure.data if trace.mode == "lines"]
    assert lines == ["a", "b", "c"]
    labels = drawn_by("matplotlib", shown).axes[0].get_legend_handles_labels()[1]
    assert labels == ["a", "b", "c"]


def test_a_name_is_no_markup_and_a_long_one_is_cut() -> None:
    shown = best_so_far(found("<i>" + "x" * 90, "b"))
    drawing = drawn_by("plotly", shown)
    assert drawing.figure.data[0].name.startswith("&lt;i&gt;x")
    assert b"<i>x" not in render(shown, "html").split(b"</head>")[1].split(b"<script")[0]
    assert len(shown.frame.title) < 60
    assert render(shown, "svg")


def test_without_any_finished_trial_a_sentence_is_drawn() -> None:
    records = [make_record(make_trial(0, None, ended="running"), name=name, state="running") for name in "ab"]
    shown = best_so_far(versus(records))
    assert shown.frame.sentence == "No trial of theirs has finished yet."
    assert render(shown, "png")[:4] == b"\x89PNG"


def test_a_study_far_above_the_others_is_in_the_picture_and_what_is_no_number_is_not() -> None:
    low = [make_trial(number, 1.80 + number / 1000) for number in range(20)]
    high = [make_trial(0, 2.45), make_trial(1, math.inf), make_trial(2, None, ended="running")]
    shown = best_so_far(versus([make_record(*low, name="low"), make_record(*high, name="high")]))
    assert isinstance(shown, BestSoFar)
    assert shown.low < 1.80
    assert shown.high > 2.45
    assert [line.steps[-1] for line in shown.lines] == [(20, 1.80), (2, 2.45)]
    assert shown.last == 20

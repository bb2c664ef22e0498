"""Parallel coordinates: axes, colours, filters, winner and baseline."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from bardtune.studies.plots.axes import NOT_SET, Axis
from bardtune.studies.plots.matplotlib.picture import figure
from bardtune.studies.records import StudyRecord
from support.odd_studies import odd_studies
from support.study_records import PARAMETERS, make_record, make_trial, planted_record
from support.views import figure_of, view_of_record
from support.whole_study import BASELINE


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return planted_record(30)


def axis_of(record: StudyRecord, name: str) -> Axis:
    return next(axis for axis in view_of_record(record, "parallel").axes if axis.name == name)


def test_axes_stand_in_the_order_of_the_space_and_end_with_the_bpb(record: StudyRecord) -> None:
    names = [axis.name for axis in view_of_record(record, "parallel").axes]
    assert names == [*(parameter.name for parameter in PARAMETERS), "ended", "bpb"]


def test_every_position_and_tick_lies_on_its_axis(record: StudyRecord) -> None:
    for axis in view_of_record(record, "parallel").axes:
        places = [*axis.positions, *(position for position, _ in axis.ticks)]
        assert all(-1e-9 <= axis.height(place) <= 1 + 1e-9 for place in places), axis.name


def test_log_axes_are_spaced_by_powers_and_labelled_in_real_units(record: StudyRecord) -> None:
    ticks = {text: position for position, text in axis_of(record, "rope_theta").ticks}
    assert (ticks["10"], ticks["100"], ticks["10000"]) == pytest.approx((1, 2, 4))


def test_categories_keep_their_order(record: StudyRecord) -> None:
    assert [text for _, text in axis_of(record, "batch_size").ticks] == ["4", "8", "16", "32"]


def test_a_parameter_that_a_trial_lacks_has_a_place_of_its_own() -> None:
    axis = axis_of(odd_studies()["conditional"], "rope_theta")
    assert axis.ticks[0] == (axis.low, NOT_SET)
    assert axis.positions[1] == axis.low < axis.positions[0]


def test_colours_reach_from_the_good_to_the_usual_and_clip_the_bad() -> None:
    trials = [make_trial(number, 2.2 + 0.01 * number) for number in range(20)]
    view = view_of_record(make_record(*trials, make_trial(20, 7.9)), "parallel")
    assert view.colour_high < 2.5
    assert [view.colour_place(view.lines[index]) for index in (0, 20)] == [0.0, 1.0]


def test_one_can_brush_by_ending_and_read_off_the_trial(record: StudyRecord) -> None:
    dimensions: Any = figure_of(view_of_record(record, "parallel")).data[0].dimensions
    labels = [dimension.label for dimension in dimensions]
    assert (labels[0], labels[-2:]) == ("trial", ["ended", "bpb"])
    assert list(dimensions[-2].ticktext) == ["complete", "pruned"]


def test_a_selection_may_end_nearly_anywhere_along_numbers_and_at_each_of_a_few_whole_ones(record: StudyRecord) -> None:
    dimensions: Any = figure_of(view_of_record(record, "parallel")).data[0].dimensions
    axes = {dimension.label: dimension for dimension in dimensions}
    rate = axes["learning_rate"]
    low, high = rate.range
    assert max(b - a for a, b in pairwise(rate.tickvals)) < 0.01 * (high - low)
    assert len(set(rate.ticktext)) == len(rate.ticktext)  # plotly takes equal labels for one tick
    assert [text for text in rate.ticktext if text.strip()] == [text for _, text in axis_of(record, rate.label).ticks]
    assert list(axes["trial"].tickvals) == list(range(30))
    assert list(axes["history_depth"].tickvals) == list(range(6))


def test_lines_know_whose_they_are(record: StudyRecord) -> None:
    view = view_of_record(with_baseline_settings(record), "parallel")
    trace: Any = figure_of(view).data[0]
    assert list(trace.ids) == [
        *(trial.run_id for trial in record.search_runs if trial.last_bpb is not None),
        "baseline-0000",
    ]
    label, bpb, settings = trace.customdata[0]
    assert (label, bpb) == ("trial 0", f"{record.search_runs[0].last_bpb:.4f}")
    assert settings.startswith("trial 0\n")
    assert f"n_layers {record.search_runs[0].params['n_layers']}\n" in settings
    colours = [trace.line.color[index] for index in (view.baseline or 0, view.best or 0)]
    assert max(trace.line.color) in colours
    assert trace.meta["picked"] > max(trace.line.color)
    assert trace.meta["faint"] == min(trace.line.color)


def test_good_lines_lie_above_bad_ones_and_the_best_on_top(record: StudyRecord) -> None:
    view = view_of_record(record, "parallel")
    assert view.best is not None
    places = figure_of(view).data[0].line.color  # plotly draws high places on top
    placed = list(zip(places, view.lines, strict=True))
    pruned = [place for place, line in placed if line.is_pruned]
    finished = sorted((line.bpb, -place) for place, line in placed if not line.is_pruned)
    assert [place for _, place in finished] == sorted(place for _, place in finished)
    assert max(pruned) < min(-place for _, place in finished)
    assert places[view.best] == max(places) > 1


def with_baseline_settings(record: StudyRecord) -> StudyRecord:
    return replace(record, other_runs=tuple(replace(run, settings=BASELINE) for run in record.other_runs))


def test_the_baseline_is_a_line_of_its_own_where_its_settings_can_be_placed(record: StudyRecord) -> None:
    assert view_of_record(record, "parallel").baseline is None
    view = view_of_record(with_baseline_settings(record), "parallel")
    assert view.baseline is not None
    assert view.lines[view.baseline].bpb == 2.277
    colours = figure_of(view).data[0].line.color
    assert [n for n, place in enumerate(colours) if place == colours[view.baseline]] == [view.baseline]


@pytest.mark.parametrize("num_trials", [4, 30])
@pytest.mark.parametrize("has_baseline", [False, True])
def test_the_browser_can_read_the_scale_of_colours(num_trials: int, has_baseline: bool) -> None:
    record = planted_record(num_trials)
    drawn = figure_of(view_of_record(with_baseline_settings(record) if has_baseline else record, "parallel"))
    stops = [place for place, _ in drawn.data[0].line.colorscale]
    assert (stops[0], stops[-1]) == (0, 1)
    assert stops == sorted(stops)  # else plotly.js takes a scale of its own, without a word


def test_the_buttons_leave_the_finished_and_the_best_and_always_the_marked_ones(record: StudyRecord) -> None:
    view = view_of_record(with_baseline_settings(record), "parallel")
    assert view.best is not None
    buttons: Any = figure_of(view).layout.updatemenus[0].buttons
    assert [button.label for button in buttons] == ["all trials", "finished only", "best 10", "best 5"]
    counts = [len(button.args[0]["line.color"][0]) for button in buttons]
    finished = sum(not line.is_pruned for line in view.lines)
    assert counts == [len(view.lines), finished, 11, 6]
    for button in buttons:
        changes: Any = button.args[0]
        assert all(len(each["values"]) == len(changes["line.color"][0]) for each in changes["dimensions"][0])
        assert max(changes["line.color"][0]) == max(figure_of(view).data[0].line.color)


def test_long_names_of_neighbours_do_not_touch() -> None:
    names = ["count_max_order", "window_max_order", "gate_mixtures", *(f"parameter_{n:02}" for n in range(11))]
    params = dict.fromkeys(names, 1.0)
    trials = [make_trial(n, 2.2 + n / 100, params={**params, "gate_mixtures": float(n)}) for n in range(5)]
    axes_of = [replace(PARAMETERS[0], name=name) for name in names]
    drawn = figure(view_of_record(replace(make_record(*trials), parameters=tuple(axes_of)), "parallel"))
    drawn.draw_without_rendering()
    titles = [text for text in drawn.axes[0].texts if text.get_text() in names]
    boxes = sorted((text.get_window_extent() for text in titles), key=lambda box: box.x0)
    assert len(boxes) == len(names)
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))

"""bpb of the trials, one after the other."""

from typing import Any

import pytest

from bardtune.studies.plots.matplotlib import picture as static
from bardtune.studies.plots.views.history import History
from bardtune.studies.records import StudyRecord
from support.study_records import make_record, make_trial, planted_record
from support.views import figure_of, view_of_record
from support.whole_study import whole_study


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return planted_record(30)


def test_best_so_far_never_rises_and_ends_at_the_best(record: StudyRecord) -> None:
    bpbs = [bpb for _, bpb in view_of_record(record, "history").best_so_far]
    assert bpbs == sorted(bpbs, reverse=True)
    assert record.best is not None
    assert bpbs[-1] == record.best.val_bpb


def test_best_so_far_ignores_pruned_trials() -> None:
    low = make_trial(1, 0.5, ended="pruned")
    view = view_of_record(make_record(make_trial(0, 2.4), low, make_trial(2, 2.3)), "history")
    assert view.best_so_far == ((0, 2.4), (2, 2.3))


def test_history_tells_the_endings_apart() -> None:
    ended = ["finished", "pruned", "diverged", "crashed", "running", "interrupted"]
    view = view_of_record(make_record(*(make_trial(number, ended=how) for number, how in enumerate(ended))), "history")
    assert [dot.look for dot in view.dots] == ["finished", "pruned", "lost", "lost"]


def test_lost_trials_stand_at_the_top_edge() -> None:
    view = view_of_record(
        make_record(make_trial(0, 2.4), make_trial(1, 2.2), make_trial(2, None, ended="diverged")), "history"
    )
    assert view.dots[2].shown > max(dot.shown for dot in view.dots[:2])
    assert view.dots[2].bpb is None


def test_far_values_are_drawn_at_the_top_edge_and_counted() -> None:
    trials = [make_trial(number, 2.2 + 0.01 * number) for number in range(10)]
    view = view_of_record(make_record(*trials, make_trial(10, 7.9)), "history")
    assert view.high < 3
    assert [dot.number for dot in view.dots if dot.is_clipped] == [10]
    assert "1 above" in view.frame.note
    assert "7.9000 bpb" in view.dots[10].hover[1]


def with_baseline(bpb: float) -> History:
    """View of trials between 2.2 and 2.3, pruned ones up to 2.5."""
    trials = [make_trial(n, 2.2 + 0.01 * n) for n in range(11)]
    pruned = [make_trial(n, 2.5, ended="pruned", curve=((20, 2.4 + 0.01 * (n - 10)),)) for n in range(11, 21)]
    return view_of_record(make_record(*trials, *pruned, baseline_bpb=bpb), "history")


@pytest.mark.parametrize("bpb", [2.1, 2.25, 2.55])
def test_a_baseline_near_the_trials_is_inside_the_axis(bpb: float) -> None:
    view = with_baseline(bpb)
    assert view.baseline is not None
    assert view.baseline.shown == bpb
    assert view.low < bpb < view.high
    assert view.baseline.name == f"baseline {bpb:.4f}"
    assert "far above" not in view.frame.note


def test_a_baseline_far_above_the_trials_is_a_line_at_the_top_edge_and_squeezes_none_of_them() -> None:
    view = with_baseline(3.9)
    assert view.baseline is not None
    assert 2.5 < view.baseline.shown < view.high < 2.6
    assert view.baseline.name == "baseline 3.9000 ↑"
    assert "The baseline, 3.9000, is far above: its line is drawn at the top edge." in view.frame.note
    assert not any(dot.is_clipped for dot in view.dots)
    for drawn in (figure_of(view).data, static.figure(view).axes[0].get_lines()):
        lines = [line for line in drawn if "baseline 3.9000 ↑" in (getattr(line, "name", ""), *_labels(line))]
        assert len(lines) == 1


def _labels(line: Any) -> list[str]:
    return [line.get_label()] if hasattr(line, "get_label") else []


@pytest.mark.parametrize("worst_at", [0, 19])
def test_the_best_label_stays_inside_the_picture(worst_at: int) -> None:
    best_at = 19 - worst_at
    view = view_of_record(make_record(*(make_trial(n, 2.2 if n == best_at else 2.3) for n in range(20))), "history")
    drawn = static.figure(view)
    label = next(text for text in drawn.axes[0].texts if text.get_text().startswith("best"))
    drawn.draw_without_rendering()
    box = label.get_window_extent()
    assert drawn.axes[0].bbox.x0 <= box.x0
    assert box.x1 <= drawn.bbox.x1


def test_the_history_shows_all_fresh_means_and_the_noise_between_seeds() -> None:
    view = view_of_record(whole_study(), "history")
    assert view.best_mark is not None
    assert view.noise is not None
    assert len(view.confirmed) == 3
    assert sum(view.noise) / 2 == pytest.approx(view.best_mark.bpb)
    assert view.low < view.noise[0]
    assert view_of_record(whole_study(), "curves").best_name.startswith(
        f"winner: trial {view.best_mark.trial.number}, in this run"
    )


def test_without_fresh_runs_the_best_is_called_unconfirmed_and_has_no_band() -> None:
    view = view_of_record(planted_record(20), "history")
    assert view.noise is None
    assert "not confirmed" in view.frame.note


def test_starved_trials_are_marked_and_counted() -> None:
    view = view_of_record(whole_study(), "history")
    assert [dot.number for dot in view.dots if dot.is_starved] == [7, 30]
    assert "2 starved" in view.frame.note
    assert "starved: machine busy" in [trace.name for trace in figure_of(view).data]
    assert "starved" not in view_of_record(planted_record(20), "history").frame.note

"""History and learning curves, and the words and numbers in all pictures."""

from typing import Any

import pytest
from bardtune.studies.plots.interactive import figure
from bardtune.studies.plots.parallel import parallel
from bardtune.studies.plots.static import figure as static_figure
from bardtune.studies.plots.ticks import round_decades, round_steps, usual_range
from bardtune.studies.plots.view import History, curves, history
from bardtune.studies.plots.words import frame_of, number_text, number_texts
from bardtune.studies.records import StudyRecord

from support.study_records import PARAMETERS, make_record, make_trial, planted_record


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return planted_record(30)


# history


def test_best_so_far_never_rises_and_ends_at_the_best(record: StudyRecord) -> None:
    bpbs = [bpb for _, bpb in history(record).best_so_far]
    assert bpbs == sorted(bpbs, reverse=True)
    assert record.best is not None
    assert bpbs[-1] == record.best.val_bpb


def test_best_so_far_ignores_pruned_trials() -> None:
    low = make_trial(1, 0.5, ended="pruned")
    seen = history(make_record(make_trial(0, 2.4), low, make_trial(2, 2.3)))
    assert seen.best_so_far == ((0, 2.4), (2, 2.3))


def test_history_tells_the_endings_apart() -> None:
    ended = ["finished", "pruned", "diverged", "crashed", "running", "interrupted"]
    seen = history(make_record(*(make_trial(number, ended=how) for number, how in enumerate(ended))))
    assert [dot.look for dot in seen.dots] == ["finished", "pruned", "lost", "lost"]


def test_lost_trials_stand_at_the_top_edge() -> None:
    seen = history(make_record(make_trial(0, 2.4), make_trial(1, 2.2), make_trial(2, None, ended="diverged")))
    assert seen.dots[2].shown > max(dot.shown for dot in seen.dots[:2])
    assert seen.dots[2].bpb is None


def test_far_values_are_drawn_at_the_top_edge_and_counted() -> None:
    trials = [make_trial(number, 2.2 + 0.01 * number) for number in range(10)]
    seen = history(make_record(*trials, make_trial(10, 7.9)))
    assert seen.high < 3
    assert [dot.number for dot in seen.dots if dot.is_clipped] == [10]
    assert "1 above" in seen.frame.note
    assert "7.9000 bpb" in seen.dots[10].hover[1]


def with_baseline(bpb: float) -> History:
    """Of trials between 2.2 and 2.3, pruned ones up to 2.5."""
    trials = [make_trial(n, 2.2 + 0.01 * n) for n in range(11)]
    pruned = [make_trial(n, 2.5, ended="pruned", curve=((20, 2.4 + 0.01 * (n - 10)),)) for n in range(11, 21)]
    return history(make_record(*trials, *pruned, baseline_bpb=bpb))


@pytest.mark.parametrize("bpb", [2.1, 2.25, 2.55])
def test_a_baseline_near_the_trials_is_inside_the_axis(bpb: float) -> None:
    seen = with_baseline(bpb)
    assert seen.baseline is not None
    assert seen.baseline.shown == bpb
    assert seen.low < bpb < seen.high
    assert seen.baseline.name == f"baseline {bpb:.4f}"
    assert "far above" not in seen.frame.note


def test_a_baseline_far_above_the_trials_is_a_line_at_the_top_edge_and_squeezes_none_of_them() -> None:
    seen = with_baseline(3.9)
    assert seen.baseline is not None
    assert 2.5 < seen.baseline.shown < seen.high < 2.6
    assert seen.baseline.name == "baseline 3.9000 ↑"
    assert "The baseline, 3.9000, is far above: its line is drawn at the top edge." in seen.frame.note
    assert not any(dot.is_clipped for dot in seen.dots)
    for drawn in (figure(seen).data, static_figure(seen).axes[0].get_lines()):
        lines = [line for line in drawn if "baseline 3.9000 ↑" in (getattr(line, "name", ""), *_labels(line))]
        assert len(lines) == 1


def _labels(line: Any) -> list[str]:
    return [line.get_label()] if hasattr(line, "get_label") else []


@pytest.mark.parametrize("worst_at", [0, 19])
def test_the_best_label_stays_inside_the_picture(worst_at: int) -> None:
    best_at = 19 - worst_at
    seen = history(make_record(*(make_trial(n, 2.2 if n == best_at else 2.3) for n in range(20))))
    drawn = static_figure(seen)
    label = next(text for text in drawn.axes[0].texts if text.get_text().startswith("best"))
    drawn.draw_without_rendering()
    box = label.get_window_extent()
    assert drawn.axes[0].bbox.x0 <= box.x0
    assert box.x1 <= drawn.bbox.x1


# curves


def test_the_last_point_of_a_finished_curve_is_the_final_value() -> None:
    trial = make_trial(0, 2.3, curve=((50, 2.6), (100, 2.35)))
    best = curves(make_record(trial)).best
    assert best is not None
    assert best.points == ((50, 2.6), (100, 2.3))


def test_curves_hold_the_baseline_and_draw_pruned_ones_beneath(record: StudyRecord) -> None:
    seen = curves(record)
    assert seen.baseline is not None
    assert seen.baseline.points[-1] == (100, 2.277)
    looks = [curve.look for curve in seen.curves]
    assert looks.index("finished") > max(index for index, look in enumerate(looks) if look == "pruned")


def test_curves_say_what_the_last_point_is_measured_on(record: StudyRecord) -> None:
    assert "whole validation part" in curves(record).frame.note


# words and numbers


def test_hover_text_is_short_and_tells_no_path(record: StudyRecord) -> None:
    for seen in (history(record).dots, curves(record).curves, parallel(record).lines):
        for item in seen:
            assert item.hover[0].startswith("trial ")
            assert len(item.hover) <= 2 + len(PARAMETERS)
            assert not any("/" in line or "host" in line for line in item.hover)


@pytest.mark.parametrize("name", ["/home/somebody/books", "/home/somebody/books/", "C:\\Users\\me\\books", "books"])
def test_the_frame_names_the_corpus_without_its_folder(name: str) -> None:
    frame = frame_of(make_record(make_trial(0), corpus={"name": name}), "history")
    assert frame.subtitle == "books  ·  1 trial  ·  180 s each"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (128, "128"), (3e-3, "3e-3"), (0.0043, "0.0043"), (0.00043, "4.3e-4"), (0.1, "0.1"), (2.5, "2.5"),
        (10000.0, "10000"), (1e6, "1e6"), (0, "0"), (True, "True"), ("rope", "rope"),
        (123.456, "123"), (-0.5, "-0.5"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_people_do(value: Any, text: str) -> None:
    assert number_text(value) == text


def test_the_marks_of_one_axis_are_written_alike() -> None:
    assert number_texts([0.001, 0.01, 0.1, 1.0]) == ["1e-3", "1e-2", "0.1", "1"]
    assert number_texts([0.01, 0.05]) == ["0.01", "0.05"]


def test_marks_are_round_numbers_inside_the_range() -> None:
    assert round_steps(32, 192) == [50, 100, 150]
    assert round_steps(0, 5, whole=True) == [0, 1, 2, 3, 4, 5]
    assert round_steps(1, 3, whole=True) == [1, 2, 3]
    assert round_steps(7, 7) == [7]
    assert round_decades(10, 10_000) == [10, 30, 100, 300, 1000, 3000, 10_000]
    assert round_decades(2, 32, whole=True) == [2, 4, 8, 16, 32]


def test_an_axis_is_never_empty_and_not_squeezed_by_one_value() -> None:
    low, high = usual_range([2.0], [2.0])
    assert low < 2.0 < high
    assert usual_range([2.0, 2.1, 2.2, 2.3, 9.0], [2.0, 2.1, 2.2, 2.3, 9.0])[1] < 4


def test_views_of_a_study_are_plain_values(record: StudyRecord) -> None:
    assert isinstance(history(record), History)
    assert history(record) == history(planted_record(30))

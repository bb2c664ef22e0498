"""Plots: every kind and format makes a file that holds, and says what it cannot draw."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from study_records import PARAMETERS, STORAGE, make_record, make_trial, planted_record

from studies.errors import PlanError, StudyError
from studies.plots import FORMATS, KINDS, write_plots
from studies.plots.interactive import figure
from studies.plots.page import page
from studies.plots.parallel import NOT_SET, Axis, parallel
from studies.plots.static import figure as static_figure
from studies.plots.ticks import round_decades, round_steps, usual_range
from studies.plots.view import Bars, History, curves, history
from studies.plots.words import frame_of, number_text, number_texts
from studies.plots.write import view_of
from studies.records import Parameter, StudyRecord

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return planted_record(30)


def odd_records() -> dict[str, StudyRecord]:
    """Studies that leave a picture little to show."""
    params = {"learning_rate": 0.003, "batch_size": 8}
    rope = Parameter(name="rope_theta", low=10.0, high=1e4, log=True)
    with_rope = make_trial(0, 2.4, params={**params, "rope_theta": 50.0})
    return {
        "empty": make_record(),
        "running": make_record(make_trial(0, None, ended="running", params=params)),
        "one": make_record(make_trial(0, params=params)),
        "pruned": make_record(make_trial(0, ended="pruned", params=params), baseline_bpb=2.277),
        "lost": make_record(make_trial(0, None, ended="diverged"), make_trial(1, None, ended="crashed")),
        "equal": make_record(*(make_trial(number, params=params) for number in range(25))),
        "conditional": replace(
            make_record(with_rope, make_trial(1, 2.3, params=params)), parameters=(*PARAMETERS[:5], rope)
        ),
        "long": replace(planted_record(10), name="long-name." * 10),
        "one-point": make_record(make_trial(0, ended="interrupted", curve=((5, 4.0),), params=params)),
        "no-parameters": make_record(make_trial(0, params={}), make_trial(1, 2.2, params={})),
    }


def text_of(page_text: str) -> str:
    """The page without plotly's own script."""
    return re.sub(r"<script>/\*\*.*?</script>", "", page_text, count=1, flags=re.DOTALL)


# files


@pytest.fixture(scope="module")
def written(record: StudyRecord, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_plots(record, kinds=KINDS, formats=FORMATS, folder=tmp_path_factory.mktemp("plots") / "new" / "er")


def test_every_kind_and_format_has_its_file_and_nothing_else_lies_there(written: list[Path]) -> None:
    names = {f"first-folio-{kind}.{format_}" for kind in KINDS for format_ in FORMATS}
    assert {path.name for path in written} == names
    assert {path.name for path in written[0].parent.iterdir()} == names


def test_png_files_are_png_and_svg_files_are_well_formed(written: list[Path]) -> None:
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        if path.suffix == ".svg":
            assert ET.parse(path).getroot().tag.endswith("svg")


def test_pages_hold_plotly_and_ask_nothing_of_the_network(written: list[Path]) -> None:
    for path in written:
        if path.suffix == ".html":
            whole = path.read_text(encoding="utf-8")
            ours = text_of(whole)
            assert "plotly.js v" in whole
            assert "Plotly.newPlot" in ours
            assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=", whole[: whole.index("<script")] + ours)
            assert "http" not in ours


def test_pages_do_not_offer_to_upload_the_picture(record: StudyRecord) -> None:
    assert '"showSendToCloud": false' in text_of(page(history(record)))


def test_no_file_tells_a_path_or_a_host(written: list[Path]) -> None:
    for path in written:
        content = path.read_bytes()
        assert b"somebody" not in content
        assert b"secret" not in content
        assert STORAGE.encode() not in content


def test_equal_studies_make_equal_files(record: StudyRecord, written: list[Path], tmp_path: Path) -> None:
    again = write_plots(record, kinds=["history"], formats=FORMATS, folder=tmp_path)
    first = {path.name: path.read_bytes() for path in written}
    assert all(path.read_bytes() == first[path.name] for path in again)


@pytest.mark.parametrize(("wanted", "unwanted"), [("html", "matplotlib"), ("svg", "plotly")])
def test_one_format_does_not_import_the_other_library(wanted: str, unwanted: str, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from study_records import *; import studies.records\n"
        "assert not {'plotly', 'matplotlib'} & set(sys.modules)\n"
        "from studies.plots import write_plots; folder = pathlib.Path(sys.argv[1])\n"
        f"write_plots(planted_record(5), kinds=['history'], formats=[{wanted!r}], folder=folder)\n"
        f"assert {unwanted!r} not in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unknown_kind_or_format_is_refused_with_the_known_ones(record: StudyRecord, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"--kind 'slice' is unknown; choose from importance, parallel, .*"):
        write_plots(record, kinds=["history", "slice"], formats=["png"], folder=tmp_path)
    with pytest.raises(PlanError, match=r"--format 'pdf' is unknown; choose from html, png, svg"):
        write_plots(record, kinds=["history"], formats=["pdf"], folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_names_the_way_out(record: StudyRecord, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StudyError, match=r"cannot write .*history\.html: .*--out"):
        write_plots(record, kinds=["history"], formats=["html"], folder=tmp_path / "file")


def test_a_failed_write_keeps_the_old_picture_and_leaves_no_draft(
    record: StudyRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "first-folio-history.html"
    old.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studies.files.os.replace", full)
    with pytest.raises(StudyError, match="No space left on device"):
        write_plots(record, kinds=["history"], formats=["html"], folder=tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(old.name, "old")]


# what little there is to draw


@pytest.mark.parametrize("name", odd_records())
@pytest.mark.parametrize("kind", KINDS)
def test_odd_studies_are_drawn_by_both_renderers(name: str, kind: str) -> None:
    seen = view_of(odd_records()[name], kind)
    if seen.frame.sentence is None:
        assert figure(seen).to_json()
    static_figure(seen).draw_without_rendering()


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


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    trial = make_trial(0, params={"<i>x": "<b>&"})
    record = make_record(trial, corpus={"name": "/books/<script>alert(1)"})
    record = replace(record, parameters=(Parameter(name="<i>x", choices=("<b>&",)),))
    for kind in KINDS:
        ours = text_of(page(view_of(record, kind)))
        assert "<script>alert" not in ours
        assert "<i>x" not in ours


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


def test_the_baseline_is_inside_the_axis(record: StudyRecord) -> None:
    seen = history(replace(record, runs=(make_trial(0, 3.9, role="baseline", params={}),)))
    assert seen.baseline == 3.9
    assert seen.low < 3.9 < seen.high


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


# parallel


def axis_of(record: StudyRecord, name: str) -> Axis:
    return next(axis for axis in parallel(record).axes if axis.name == name)


def test_axes_stand_in_the_order_of_the_space_and_end_with_the_bpb(record: StudyRecord) -> None:
    names = [axis.name for axis in parallel(record).axes]
    assert names == [*(parameter.name for parameter in PARAMETERS), "ended", "bpb"]


def test_every_position_and_tick_lies_on_its_axis(record: StudyRecord) -> None:
    for axis in parallel(record).axes:
        places = [*axis.positions, *(position for position, _ in axis.ticks)]
        assert all(-1e-9 <= axis.height(place) <= 1 + 1e-9 for place in places), axis.name


def test_log_axes_are_spaced_by_powers_and_labelled_in_real_units(record: StudyRecord) -> None:
    ticks = {text: position for position, text in axis_of(record, "rope_theta").ticks}
    assert (ticks["10"], ticks["100"], ticks["10000"]) == pytest.approx((1, 2, 4))


def test_categories_keep_their_order(record: StudyRecord) -> None:
    assert [text for _, text in axis_of(record, "batch_size").ticks] == ["4", "8", "16", "32"]


def test_a_parameter_that_a_trial_lacks_has_a_place_of_its_own() -> None:
    axis = axis_of(odd_records()["conditional"], "rope_theta")
    assert axis.ticks[0] == (axis.low, NOT_SET)
    assert axis.positions[1] == axis.low < axis.positions[0]


def test_colours_reach_from_the_good_to_the_usual_and_clip_the_bad() -> None:
    trials = [make_trial(number, 2.2 + 0.01 * number) for number in range(20)]
    seen = parallel(make_record(*trials, make_trial(20, 7.9)))
    assert seen.colour_high < 2.5
    assert [seen.colour_place(seen.lines[index]) for index in (0, 20)] == [0.0, 1.0]


def test_one_can_brush_by_ending_and_read_off_the_trial(record: StudyRecord) -> None:
    dimensions: Any = figure(parallel(record)).data[0].dimensions
    labels = [dimension.label for dimension in dimensions]
    assert (labels[0], labels[-2:]) == ("trial", ["ended", "bpb"])
    assert list(dimensions[-2].ticktext) == ["complete", "pruned"]


def test_good_lines_lie_above_bad_ones_and_the_best_on_top(record: StudyRecord) -> None:
    seen = parallel(record)
    assert seen.best is not None
    places = figure(seen).data[0].line.color  # plotly draws high places on top
    placed = list(zip(places, seen.lines, strict=True))
    pruned = [place for place, line in placed if line.is_pruned]
    finished = sorted((line.bpb, -place) for place, line in placed if not line.is_pruned)
    assert [place for _, place in finished] == sorted(place for _, place in finished)
    assert max(pruned) < min(-place for _, place in finished)
    assert places[seen.best] == max(places) > 1


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

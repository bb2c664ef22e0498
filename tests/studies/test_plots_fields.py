"""Slice, contour, timeline and throughput, and the winner in the history."""

from dataclasses import replace
from datetime import timedelta

import pytest
from bardtune.studies.plots.interactive import figure
from bardtune.studies.plots.marks import best_mark_of
from bardtune.studies.plots.panels import slices, throughput
from bardtune.studies.plots.surface import contour
from bardtune.studies.plots.timeline import timeline
from bardtune.studies.plots.view import curves, history
from bardtune.studies.records import StudyRecord, TrialRecord

from support.study_records import BEGAN, PARAMETERS, make_record, make_trial, planted_record
from support.whole_study import whole_study


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return whole_study()


def test_the_winner_is_crowned_by_fresh_runs_and_not_by_its_luck(record: StudyRecord) -> None:
    best_mark = best_mark_of(record)
    assert best_mark is not None
    assert (best_mark.word, best_mark.n) == ("winner", 2)
    assert best_mark.trial.number != best_mark.raw.number
    assert best_mark.text == f"winner: trial {best_mark.trial.number}, {best_mark.bpb:.4f} ± {best_mark.sd:.4f} (n = 2)"
    assert f"The lowest single value was trial {best_mark.raw.number}'s" in best_mark.note


def test_the_history_shows_all_fresh_means_and_the_noise_between_seeds(record: StudyRecord) -> None:
    seen = history(record)
    assert seen.best_mark is not None
    assert seen.noise is not None
    assert len(seen.confirmed) == 3
    assert sum(seen.noise) / 2 == pytest.approx(seen.best_mark.bpb)
    assert seen.low < seen.noise[0]
    assert curves(record).best_name.startswith(f"winner: trial {seen.best_mark.trial.number}, in this run")


def test_without_fresh_runs_the_best_is_called_unconfirmed_and_has_no_band() -> None:
    seen = history(planted_record(20))
    assert seen.noise is None
    assert "not confirmed" in seen.frame.note


def test_a_slice_has_a_panel_for_each_parameter_with_a_dot_for_each_trial_that_has_a_bpb(record: StudyRecord) -> None:
    seen = slices(record)
    assert [panel.title for panel in seen.panels] == [parameter.name for parameter in PARAMETERS]
    assert all(len(panel.dots) == len(panel.axis.positions) == 40 for panel in seen.panels)
    for panel in seen.panels:
        places = [place for place, _ in panel.axis.ticks]
        assert all(panel.axis.low < place < panel.axis.high for place in (*places, *panel.axis.positions))


def test_the_contour_is_of_the_two_most_important_and_blank_where_no_trial_is(record: StudyRecord) -> None:
    seen = contour(record)
    assert seen.x is not None
    assert seen.x.name == "learning_rate"
    cells = [bpb for row in seen.bpb for bpb in row]
    assert None in cells
    assert min(bpb for bpb in cells if bpb is not None) < 2.25
    assert "NaN" not in figure(seen).to_json()


def test_the_contour_of_a_small_study_says_that_it_cannot_tell() -> None:
    assert (contour(planted_record(8)).frame.sentence or "").startswith("Too few trials to tell")


def test_the_timeline_holds_runs_of_every_role_in_order_and_cuts_the_night_out(record: StudyRecord) -> None:
    seen = timeline(record)
    assert len(seen.bars) == 50
    starts = [bar.start_s for bar in seen.bars]
    assert starts == sorted(starts)
    assert seen.bars[-1].end_s < 30_000
    assert "1 pause of more than 2 minutes cut out" in seen.frame.note
    assert seen.phases == ("setup", "train", "evaluate", "checkpoint")
    assert "train" in " ".join(seen.bars[0].hover)


def test_a_run_that_has_not_said_its_phases_is_drawn_whole() -> None:
    seen = timeline(make_record(make_trial(0, stats={})))
    assert seen.bars[0].phases == (("other", 190.0),)


def test_a_run_that_was_stopped_and_continued_covers_no_other_run() -> None:
    def later(number: int, start_s: float, end_s: float, train_s: float) -> TrialRecord:
        run = make_trial(number, stats={"seconds": {"train": train_s}})
        return replace(run, started=BEGAN + timedelta(seconds=start_s), ended=BEGAN + timedelta(seconds=end_s))

    runs = [later(0, 0, 190, 190), later(1, 560, 580, 190), later(2, 580, 770, 190)]  # 20 of 190 s after the stop
    seen = timeline(make_record(*runs))
    assert [(bar.start_s, bar.end_s) for bar in seen.bars] == [(0, 190), (190, 380), (380, 570)]
    assert [bar.name for bar in seen.bars] == ["trial 0", "trial 1 †", "trial 2"]
    assert "stopped and continued: 170.0 s of it before that" in seen.bars[1].hover
    assert "Marked †: stopped and continued." in seen.frame.note
    assert "trial 1 †" in figure(seen).layout.yaxis.ticktext


def test_what_a_run_did_before_it_was_stopped_stands_before_its_continuation_that_runs() -> None:
    done = replace(make_trial(0, stats={"seconds": {"train": 100.0}}), ended=BEGAN + timedelta(seconds=100))
    going = make_trial(1, None, ended="running", stats={"seconds": {"train": 80.0}})
    going = replace(going, started=BEGAN + timedelta(seconds=190), ended=None)
    assert [bar.start_s for bar in timeline(make_record(done, going)).bars] == [0, 110]


def test_throughput_is_in_thousand_bytes_per_second_and_leaves_out_who_has_not_said() -> None:
    spoken = make_trial(0, 2.3, stats={"bytes_per_s": 250_000})
    seen = throughput(make_record(spoken, make_trial(1, 2.2, stats={})))
    assert seen.panels[0].axis.positions == (250.0,)
    assert "thousand bytes per second" in seen.panels[0].title


def test_starved_trials_are_marked_and_counted(record: StudyRecord) -> None:
    seen = history(record)
    assert [dot.number for dot in seen.dots if dot.is_starved] == [7, 30]
    assert "2 starved" in seen.frame.note
    assert "starved: machine busy" in [trace.name for trace in figure(seen).data]
    assert "starved" not in history(planted_record(20)).frame.note

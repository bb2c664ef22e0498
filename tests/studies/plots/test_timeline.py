"""When the runs ran, and what they did with their time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bardtune.model.training.clock import PHASES
from bardtune.studies.plots import theme
from bardtune.studies.plots.views.timeline import OTHER
from bardtune.studies.records import StudyRecord, TrialRecord
from support.study_records import BEGAN, make_record, make_trial
from support.views import figure_of, view_of_record
from support.whole_study import whole_study


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return whole_study()


def test_the_timeline_holds_runs_of_every_role_in_order_and_cuts_the_night_out(record: StudyRecord) -> None:
    view = view_of_record(record, "timeline")
    assert len(view.bars) == 50
    starts = [bar.start_s for bar in view.bars]
    assert starts == sorted(starts)
    assert view.bars[-1].end_s < 30_000
    assert "1 pause of more than 2 minutes cut out" in view.frame.note
    assert view.phases == PHASES
    assert "train" in " ".join(view.bars[0].hover)


def test_a_run_that_has_not_said_its_phases_is_drawn_whole() -> None:
    view = view_of_record(make_record(make_trial(0, stats={})), "timeline")
    assert view.bars[0].phases == (("other", 190.0),)


def test_a_run_that_was_stopped_and_continued_covers_no_other_run() -> None:
    def later(number: int, start_s: float, end_s: float, train_s: float) -> TrialRecord:
        run = make_trial(number, stats={"seconds": {"train": train_s}})
        return replace(run, started=BEGAN + timedelta(seconds=start_s), ended=BEGAN + timedelta(seconds=end_s))

    runs = [later(0, 0, 190, 190), later(1, 560, 580, 190), later(2, 580, 770, 190)]  # 20 of 190 s after the stop
    view = view_of_record(make_record(*runs), "timeline")
    assert [(bar.start_s, bar.end_s) for bar in view.bars] == [(0, 190), (190, 380), (380, 570)]
    assert [bar.name for bar in view.bars] == ["trial 0", "trial 1 †", "trial 2"]
    assert "stopped and continued: 170.0 s of it before that" in view.bars[1].hover
    assert "Marked †: stopped and continued." in view.frame.note
    assert "trial 1 †" in figure_of(view).layout.yaxis.ticktext


def test_what_a_run_did_before_it_was_stopped_stands_before_its_continuation_that_runs() -> None:
    done = replace(make_trial(0, stats={"seconds": {"train": 100.0}}), ended=BEGAN + timedelta(seconds=100))
    going = make_trial(1, None, ended="running", stats={"seconds": {"train": 80.0}})
    going = replace(going, started=BEGAN + timedelta(seconds=190), ended=None)
    assert [bar.start_s for bar in view_of_record(make_record(done, going), "timeline").bars] == [0, 110]


def test_every_phase_has_a_colour() -> None:
    assert set(theme.PHASE_COLOURS) == {*PHASES, OTHER}


def test_on_a_cluster_rows_are_nodes_as_many_as_train_at_a_time() -> None:
    def run(number: int, node: int | None, begins: float) -> TrialRecord:
        trial = make_trial(number, 2.3, stats={"seconds": {"train": 100.0}, **({"node": node} if node else {})})
        started = BEGAN + timedelta(seconds=begins)
        return replace(trial, started=started, ended=started + timedelta(seconds=100))

    runs = [run(0, 1, 0.0), run(1, 1, 1.0), run(2, 2, 2.0), run(3, 1, 101.0), run(4, None, 150.0)]
    found = view_of_record(make_record(*runs), "timeline")
    assert found.rows == ("elsewhere", "node 1.1", "node 1.2", "node 2")
    assert found.places == (1, 2, 3, 1, 0)
    assert found.nodes == (1, 2)
    figure = figure_of(found)
    assert [bar.name for bar in figure.data] == ["elsewhere", "node 1", "node 2"]
    alone = view_of_record(make_record(run(0, None, 0.0)), "timeline")
    assert (alone.nodes, alone.places) == ((), (0,))

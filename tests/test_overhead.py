"""Where the time of a study went."""

import pytest

from bardtune.studies.plan import StudyPlan
from benchmarks.overhead import overhead_of, run_overhead_of
from support.study_records import make_record, make_trial


def test_what_no_run_accounts_for_is_coordination() -> None:
    seconds = {"train": 180.0, "evaluate": 10.0, "setup": 1.0, "checkpoint": 0.5}
    runs = [make_trial(number, stats={"seconds": seconds}) for number in range(4)]
    spent = overhead_of(make_record(*runs, seconds_used=4 * 191.5 + 2.0))
    assert (spent.train, spent.checkpoint) == (720.0, 2.0)
    assert spent.coordination == pytest.approx(2.0)
    assert spent.surviving / spent.train == pytest.approx(4 / 720)


def test_a_whole_run_is_told_without_pruned_runs_and_pauses() -> None:
    seconds = {"train": 180.0, "evaluate": 8.0, "setup": 1.0, "checkpoint": 0.5}  # of 190 s; 10 s until the next
    runs = [make_trial(number, stats={"seconds": seconds}) for number in range(4)]
    pruned = make_trial(4, ended="pruned", stats={"seconds": {**seconds, "checkpoint": 90.0}})
    after_a_pause = make_trial(50, stats={"seconds": seconds})
    told = run_overhead_of(make_record(*runs, pruned, after_a_pause))
    assert told == pytest.approx((0.5, 0.5, 10.0))
    many = make_record(*runs, plan=StudyPlan(workers=2, threads=1))
    assert run_overhead_of(many) == (pytest.approx(0.5), pytest.approx(0.5), None)
    assert run_overhead_of(make_record(pruned)) is None

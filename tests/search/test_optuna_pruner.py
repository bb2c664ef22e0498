"""Optuna's pruners, called as ours are."""

import optuna
import pytest
from optuna.trial import TrialState

from bardtune.search.launch.protocol import Measured
from bardtune.search.sampling.optuna_pruner import FIRST_RUNG_PERCENT
from bardtune.search.sampling.pruners.registry import make_pruner
from bardtune.search.sampling.so_far import StudySoFar
from bardtune.studies.store.open_run import OpenRun
from bardtune.studies.surrogate.maker import SurrogateMaker
from support.curves import with_trials
from support.studies_at_hand import space


def stopped_at(name: str) -> list[tuple[int, str] | None]:
    """Percent and reason of each of seven trials; the sixth is by far the worst, the last the best."""
    so_far = StudySoFar(space=space(), record=with_trials, surrogates=SurrogateMaker())
    pruner = make_pruner(name, so_far)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    stopped = []
    for bpb in (3.0, 2.9, 2.8, 2.7, 2.6, 5.0, 2.0):
        run = OpenRun(study.ask(), "search", {})
        pruner.begin(run)
        found = None
        for percent in range(10, 100, 10):
            run.report(percent, bpb)
            event = Measured(run_id=run.run_id, percent=percent, step=percent, elapsed_s=1.0, val_bpb=bpb, final=False)
            if (reason := pruner.reason_to_stop(run, event)) is not None:
                found = (percent, reason)
                break
        study.tell(run.optuna_trial, None if found else bpb, state=TrialState.PRUNED if found else None)
        stopped.append(found)
    return stopped


@pytest.mark.parametrize("name", ["halving", "median", "none"])
def test_it_stops_nothing_before_20_percent_nor_before_three_have_finished_and_never_the_best(name: str) -> None:
    stopped = stopped_at(name)
    assert all(each is None or each[0] >= FIRST_RUNG_PERCENT for each in stopped)
    assert stopped[:3] == [None, None, None]
    assert stopped[-1] is None


@pytest.mark.parametrize("name", ["halving", "median"])
def test_by_far_the_worst_trial_is_stopped_and_compared_with_the_others(name: str) -> None:
    assert stopped_at(name)[5] == (20, "5.0000 bpb at 20 %: 5 of 5 others were better there, the best 2.6000")


def test_none_stops_nothing() -> None:
    assert stopped_at("none") == [None] * 7

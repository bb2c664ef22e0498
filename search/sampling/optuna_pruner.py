"""Optuna's pruners, as ours are called. Their steps are percents of the budget."""

from typing import TYPE_CHECKING

from optuna.pruners import BasePruner
from optuna.trial import TrialState

from bardtune.studies.store.open_run import OpenRun

if TYPE_CHECKING:
    from bardtune.search.launch.protocol import Measured

FIRST_RUNG_PERCENT = 20  # before it, a curve says little
MIN_FINISHED_BEFORE_PRUNING = 3


class OptunaPruner:
    """A ``Pruner`` that stops nothing until ``MIN_FINISHED_BEFORE_PRUNING`` trials have finished."""

    def __init__(self, pruner: BasePruner) -> None:
        self.pruner = pruner

    def begin(self, run: OpenRun) -> None:
        run.optuna_trial.study.pruner = self.pruner

    def reason_to_stop(self, run: OpenRun, measured: "Measured") -> str | None:
        weak = run.optuna_trial.should_prune()  # also notes the rung that the trial has reached
        trials = run.optuna_trial.study.get_trials(deepcopy=False)
        num_finished = sum(trial.state == TrialState.COMPLETE for trial in trials)
        if not weak or num_finished < MIN_FINISHED_BEFORE_PRUNING:
            return None
        others = [
            trial.intermediate_values[measured.percent]
            for trial in trials
            if measured.percent in trial.intermediate_values and trial.number != run.number
        ]
        better = sum(value < measured.val_bpb for value in others)
        best = f", the best {min(others):.4f}" if others else ""
        return (
            f"{measured.val_bpb:.4f} bpb at {measured.percent} %: "
            f"{better} of {len(others)} others were better there{best}"
        )

"""Stops a trial that has hardly a chance to beat what is expected of the best one.

The chance is what the Gaussian process of the study gives it after its curve so far. As long as there are hours for
all runs that are planned, minutes are worth nothing and runs that end near the best teach much: a trial is ended only
when it has less than 1 % to come near it. Once the hours are too few, it is ended with less than 5 % to beat it. Never
before it has made some dozens of steps, and trained for a fifth of its budget beyond its first measurement.
"""

from typing import TYPE_CHECKING

from bardtune.search.sampling.pruners.registry import Pruner, PrunerKind

if TYPE_CHECKING:
    from bardtune.search.launch.protocol import Measured
    from bardtune.search.sampling.so_far import StudySoFar
    from bardtune.studies.store.open_run import OpenRun
    from bardtune.studies.surrogate.surrogate import Forecast

LEAST_CHANCE, LEAST_CHANCE_PRESSED = 0.01, 0.05
NEAR = 2.0  # to the best settings, in standard deviations of the runs' ends
WARM_PERCENT = 20  # of the budget, from a trial's first measurement on
WARM_STEPS = 30


class ChancePruner:
    """A ``Pruner`` that asks what a trial can still become."""

    def __init__(self, so_far: "StudySoFar") -> None:
        self.so_far = so_far
        self.forecasts: dict[str, Forecast] = {}

    def begin(self, run: "OpenRun") -> None:
        surrogate = self.so_far.surrogates.make(self.so_far.record(), without=run.run_id)
        if surrogate is not None:
            self.forecasts[run.run_id] = surrogate.forecast(dict(run.optuna_trial.params))

    def reason_to_stop(self, run: "OpenRun", measured: "Measured") -> str | None:
        forecast = self.forecasts.get(run.run_id)
        warm_percent = run.curve[0][0] + WARM_PERCENT
        if forecast is None or measured.percent < warm_percent or measured.step < WARM_STEPS:
            return None
        least, spared = (LEAST_CHANCE_PRESSED, 0.0) if self.so_far.is_pressed() else (LEAST_CHANCE, NEAR)
        chance_to_come_near = forecast.chance_to_lead(run.curve, spared=spared)
        chance = forecast.chance_to_lead(run.curve)
        if chance_to_come_near is None or chance is None or chance_to_come_near >= least:
            return None
        said = f"{chance:.0%}" if chance >= 0.005 else "less than 1 %"
        return f"{said.replace('%', ' %').replace('  ', ' ')} chance to beat {forecast.leader_bpb:.4f}"


def make(so_far: "StudySoFar") -> Pruner:
    return ChancePruner(so_far)


KIND = PrunerKind(summary="stops what has hardly a chance to beat what is expected of the best trial", make=make)

"""Make-believe studies with learning curves whose end is known: what the surrogate of a study is tested on."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from bardtune.studies.records import Parameter, StudyRecord, TrialRecord
from support.study_records import make_record, make_trial

RATE = Parameter(name="learning_rate", low=1e-4, high=1e-1, log=True)
SIZE = Parameter(name="batch_size", low=2.0, high=64.0, log=True)
NOISE = 0.004  # standard deviation between seeds, in bpb


def worth(params: dict[str, Any]) -> float:
    """bpb that these settings reach on average: best near a learning rate of 4e-3 and 16 windows."""
    rate, size = math.log10(params["learning_rate"] / 4e-3), math.log2(params["batch_size"] / 16)
    return 1.8 + 0.08 * rate**2 + 0.01 * size**2


def curve(params: dict[str, Any], end: float, *, until: int = 100) -> tuple[tuple[int, float], ...]:
    """Large batches start slowly; all that they lack at the beginning is made up."""
    slow = 0.1 + 0.05 * math.log2(params["batch_size"])
    return tuple((percent, end + slow * ((100 / percent) ** 0.7 - 1)) for percent in range(10, until + 1, 10))


def trial_of(number: int, params: dict[str, Any], *, chance: float = 0.0, until: int | None = None) -> TrialRecord:
    """A finished trial, or one that was pruned after ``until`` percent."""
    end = worth(params) + chance
    shown = curve(params, end, until=100 if until is None else until)
    kind = "finished" if until is None else "pruned"
    return make_trial(number, end, ended=kind, params=params, settings=params, curve=shown)


def study_with_curves(num_trials: int = 24, *, seed: int = 0, noise: float = NOISE) -> StudyRecord:
    """Trials from all over the space, all of them finished."""
    rng = np.random.default_rng(seed)
    trials = []
    for number in range(num_trials):
        params = {
            "learning_rate": float(10 ** rng.uniform(-4, -1)),
            "batch_size": round(2 ** rng.uniform(1, 6)),
        }
        trials.append(trial_of(number, params, chance=float(rng.normal(0, noise))))
    return with_trials(*trials)


def with_trials(*trials: TrialRecord, **changes: Any) -> StudyRecord:
    return replace(make_record(*trials), parameters=(RATE, SIZE), **changes)

"""Make-believe studies whose truth about the parameters is known, run by the real samplers and pruners."""

import math
from typing import Any

import numpy as np
import optuna
from optuna.trial import Trial, TrialState
from study_records import FRACTIONS, PARAMETERS, make_record, make_trial

from search.samplers import make_pruner, make_sampler
from studies.importance import Importance
from studies.records import StudyRecord, TrialRecord

MATTERS, MATTERS_A_LITTLE = "learning_rate", "d_ff"
NOTHING = tuple(p.name for p in PARAMETERS if p.name not in (MATTERS, MATTERS_A_LITTLE))


def known_study(num_trials: int, *, seed: int, sampler: str = "random") -> StudyRecord:
    """A study under successive halving: the learning rate matters, d_ff a little, the other five do not."""
    rng = np.random.default_rng(seed)
    study = optuna.create_study(pruner=make_pruner("halving"))
    trials = []
    for number in range(num_trials):
        study.sampler = make_sampler(sampler, seed=seed, number=number)
        trials.append(_run(study.ask(), study, rng))
    return make_record(*trials)


def first_excludes_the_five(found: Importance) -> bool:
    """Whether the interval of what matters lies above those of all that do not."""
    shares = {share.name: share for share in found.shares}
    return bool(shares) and shares[MATTERS].low > max(shares[name].high for name in NOTHING)


def _run(trial: Trial, study: optuna.Study, rng: np.random.Generator) -> TrialRecord:
    params = _draw(trial)
    bpb = _worth(params) + float(rng.normal(0, 0.01))
    speed = float(rng.uniform(0.9, 1.1))
    curve = []
    for percent in range(10, 101, 10):
        curve.append((percent, bpb + math.exp(-percent * speed / 22) + float(rng.normal(0, 0.005))))
        trial.report(curve[-1][1], percent)
        if percent < 100 and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return make_trial(trial.number, bpb, ended="pruned", params=params, curve=tuple(curve))
    study.tell(trial, bpb)
    return make_trial(trial.number, bpb, params=params, curve=tuple(curve))


def _worth(params: dict[str, Any]) -> float:
    """Falls by up to 0.4 from one end of the learning rate's range to its middle, by 0.08 along that of d_ff."""
    off = math.log(params[MATTERS] / 4e-3) / math.log(8)
    return 2.2 + 0.4 * off**2 + 0.08 * (1 - math.log(params[MATTERS_A_LITTLE] / 64) / math.log(12))


def _draw(trial: Trial) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    for p in PARAMETERS:
        if p.choices is not None:
            drawn[p.name] = trial.suggest_categorical(p.name, p.choices)
            continue
        assert p.low is not None
        assert p.high is not None
        if p.name in FRACTIONS:
            drawn[p.name] = trial.suggest_float(p.name, p.low, p.high, log=p.log)
        else:
            drawn[p.name] = trial.suggest_int(p.name, int(p.low), int(p.high), log=p.log)
    return drawn

"""Make-believe studies whose truth about the parameters is known, run by the real samplers and pruners."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.pruners import SuccessiveHalvingPruner
from optuna.trial import Trial, TrialState

from bardtune.search.sampling.samplers.registry import make_sampler
from bardtune.studies.analysis.importance import Importance
from bardtune.studies.records import StudyRecord, TrialRecord
from support.study_records import FRACTIONS, PARAMETERS, make_record, make_trial

MATTERS, MATTERS_A_LITTLE = "learning_rate", "d_ff"
# bpb above 2.2 by the places of the learning rate and of d_ff, which makes up to 0.08 where it matters a little
TRUTHS: dict[str, Callable[[float, float], float]] = {
    "quadratic": lambda off, width: 0.4 * off**2 + 0.04 * (1 - width),
    "tent": lambda off, width: 0.4 * abs(off) + 0.04 * (1 - width),
    "cliff": lambda off, width: 0.4 / (1 + math.exp(-6 * (off - 0.4))) + 0.1 * max(-off, 0) + 0.04 * (1 - width),
    "valley": lambda off, width: 0.4 * min(1, (off / 0.4) ** 2) + 0.04 * (1 - width),
    "none": lambda off, width: 0.0,
    "two": lambda off, width: 0.3 * (1.127 * off + 0.127) ** 2 + 0.3 * width**2,  # both from the middle of their ranges
}
NOTHING = tuple(p.name for p in PARAMETERS if p.name not in (MATTERS, MATTERS_A_LITTLE))


def known_study(num_trials: int, *, seed: int, sampler: str = "random", truth: str = "quadratic") -> StudyRecord:
    """A study under successive halving: the learning rate matters, d_ff a little, the other five do not.

    Args:
        truth: one of ``TRUTHS``; in ``none`` nothing matters, in ``two`` d_ff matters as much as the learning rate.
    """
    rng = np.random.default_rng(seed)
    study = optuna.create_study(pruner=SuccessiveHalvingPruner(min_resource=20, reduction_factor=2))
    trials = []
    for number in range(num_trials):
        study.sampler = make_sampler(sampler, seed=seed, number=number)
        trials.append(_run(study.ask(), study, rng, TRUTHS[truth]))
    return make_record(*trials)


def first_excludes_the_five(found: Importance) -> bool:
    """Whether the interval of what matters lies above those of all that do not."""
    shares = {share.name: share for share in found.shares}
    return bool(shares) and shares[MATTERS].low > max(shares[name].high for name in NOTHING)


def one_excludes_all_others(found: Importance) -> bool:
    """Whether some interval lies above those of all others: where nothing matters, a false claim."""
    return any(
        one.low > max(other.high for other in found.shares if other is not one)
        for one in found.shares
        if len(found.shares) > 1
    )


def one_of_two_excludes_the_other(found: Importance) -> bool:
    """Whether the intervals of the learning rate and of d_ff lie apart: where they matter alike, a false claim."""
    shares = {share.name: share for share in found.shares}
    if not shares:
        return False
    one, other = shares[MATTERS], shares[MATTERS_A_LITTLE]
    return one.low > other.high or other.low > one.high


def _run(
    trial: Trial, study: optuna.Study, rng: np.random.Generator, worth: Callable[[float, float], float]
) -> TrialRecord:
    params = _draw(trial)
    bpb = 2.2 + worth(*_places(params)) + float(rng.normal(0, 0.01))
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


def _places(params: dict[str, Any]) -> tuple[float, float]:
    """Where the learning rate stands, 0 at 4e-3 and from -1 to 0.77; and d_ff, from -1 to 1 over its range."""
    off = math.log(params[MATTERS] / 4e-3) / math.log(8)
    return off, 2 * math.log(params[MATTERS_A_LITTLE] / 64) / math.log(12) - 1


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

"""Ways to judge what each parameter is worth among some trials: one function for each kind of them."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import (
    BaseImportanceEvaluator,
    FanovaImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)
from optuna.trial import FrozenTrial, create_trial

from bardtune.studies.analysis.comparing import comparable_bpbs
from bardtune.studies.analysis.response import basis, explained, log_regret, unexplained
from bardtune.studies.records import Parameter, StudyRecord, TrialRecord
from bardtune.studies.surrogate.maker import SurrogateMaker

# Shares of the parameters among the trials with these indices, which may repeat; they sum to 1. None if all are 0.
ImportanceEvaluator = Callable[[np.ndarray], Sequence[float] | None]
TOP = 0.4  # part of the trials that PED-ANOVA calls good; less leaves a handful of 50, and luck decides (see LOG.md)
_TREES = 8  # of each resample's forest; the resamples make a forest of forests
_SEED = 20_304  # of the trees and the drawn curves


def drawn_shares(
    record: StudyRecord, parameters: Sequence[Parameter], usable: Sequence[TrialRecord], *, draws: int
) -> list[Sequence[float]]:
    """Shares of the parameters, once for each draw of what the study's Gaussian process thinks possible.

    None at all where it has nothing to learn from.
    """
    surrogate = SurrogateMaker().make(replace(record, search_runs=tuple(usable), other_runs=(), earlier=()))
    if surrogate is None:
        return []
    from bardtune.studies.surrogate.effects import main_effects  # imports torch

    found = main_effects(surrogate, [parameter.name for parameter in parameters], draws=draws, seed=_SEED)
    shares: list[Sequence[float]] = (found / found.sum(axis=1, keepdims=True)).tolist()
    return shares


def judge_of(evaluator: str, parameters: Sequence[Parameter], usable: Sequence[TrialRecord]) -> ImportanceEvaluator:
    """The judge that an evaluator stands for.

    Args:
        evaluator: ``regression``, ``ped-anova`` or ``fanova``.
        parameters: to be judged; a trial need not have them all, except for ``fanova``.
        usable: trials that have a bpb.

    Sources: see ``bardtune.studies.analysis.response``; Watanabe, Bansal & Hutter, "PED-ANOVA", IJCAI 2023 (arXiv
    2304.10255), with conditional parameters as in arXiv 2601.20800; Hutter, Hoos & Leyton-Brown, "An Efficient
    Approach for Assessing Hyperparameter Importance", ICML 2014; the last two as Optuna implements them.
    """
    bpbs = comparable_bpbs(usable)
    if evaluator == "regression":
        return _regression(parameters, usable, bpbs)
    if evaluator == "fanova":
        forest = FanovaImportanceEvaluator(n_trees=_TREES, seed=_SEED)
        return _optunas(parameters, _as_optuna(parameters, usable, _clipped(bpbs), log_as_linear=True), forest)
    with quiet_optuna():
        densities = PedAnovaImportanceEvaluator(target_quantile=TOP)
    return _optunas(parameters, _as_optuna(parameters, usable, bpbs, log_as_linear=False), densities)


def _regression(
    parameters: Sequence[Parameter], usable: Sequence[TrialRecord], bpbs: Sequence[float]
) -> ImportanceEvaluator:
    bases = [basis(parameter, [trial.params.get(parameter.name) for trial in usable]) for parameter in parameters]
    regrets = log_regret(np.array(bpbs))
    noise = unexplained(bases, regrets)
    rng = np.random.default_rng(_SEED)

    def judge(pick: np.ndarray) -> Sequence[float] | None:
        found = explained([base[pick] for base in bases], regrets[pick], noise=noise, rng=rng)
        total = float(found.sum())
        return (found / total).tolist() if total > 1e-12 and math.isfinite(total) else None

    return judge


def _optunas(
    parameters: Sequence[Parameter], trials: list[FrozenTrial], evaluator: BaseImportanceEvaluator
) -> ImportanceEvaluator:
    names = [parameter.name for parameter in parameters]
    return lambda pick: _shares([trials[index] for index in pick], names, evaluator)


def _clipped(bpbs: Sequence[float]) -> list[float]:
    """A few runs that went badly wrong would be all the variance there is."""
    best = min(bpbs)
    usual = float(np.quantile(bpbs, 0.75)) - best
    return [min(bpb, best + 2 * usual) for bpb in bpbs]


def _shares(trials: list[FrozenTrial], names: list[str], judge: BaseImportanceEvaluator) -> list[float] | None:
    """Shares in the order of ``names``; None when all are 0."""
    if len({trial.value for trial in trials}) < 2:
        return None
    study = optuna.create_study()  # in memory
    study.add_trials(trials)
    known = [name for name in names if any(name in trial.params for trial in trials)]
    found = get_param_importances(study, evaluator=judge, params=known, normalize=False)
    total = sum(found.values())
    return [found.get(name, 0.0) / total for name in names] if total > 0 and math.isfinite(total) else None


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """No line for each study made in memory; no warning of experiments or of top trials that are all."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def _as_optuna(
    parameters: Sequence[Parameter], usable: Sequence[TrialRecord], bpbs: Sequence[float], *, log_as_linear: bool
) -> list[FrozenTrial]:
    """Complete Optuna trials.

    Args:
        log_as_linear: write parameters on a log scale as logarithms, for an evaluator that ignores scales.
    """
    columns: dict[str, list[Any]] = {}
    distributions: dict[str, BaseDistribution] = {}
    for parameter in parameters:
        values = [trial.params.get(parameter.name) for trial in usable]  # None where it is not set
        known = _distribution(parameter, [value for value in values if value is not None])
        if log_as_linear and isinstance(known, (FloatDistribution, IntDistribution)) and known.log:
            values = [value if value is None else math.log(value) for value in values]
            known = FloatDistribution(math.log(known.low), math.log(known.high))
        columns[parameter.name], distributions[parameter.name] = values, known
    trials = []
    for place, bpb in enumerate(bpbs):
        params = {name: values[place] for name, values in columns.items() if values[place] is not None}
        trials.append(
            create_trial(params=params, distributions={name: distributions[name] for name in params}, value=bpb)
        )
    return trials


def _distribution(parameter: Parameter, values: Sequence[Any]) -> BaseDistribution:
    """The parameter's dimension, widened where a stored value lies outside it."""
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    if parameter.choices is not None or not numeric:
        known = list(parameter.choices or ())
        known += [value for value in dict.fromkeys(values) if value not in known]
        return CategoricalDistribution(known)
    low = min(values) if parameter.low is None else min(parameter.low, *values)
    high = max(values) if parameter.high is None else max(parameter.high, *values)
    log = parameter.log and low > 0
    if all(isinstance(value, int) for value in values):
        return IntDistribution(math.floor(low), math.ceil(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)

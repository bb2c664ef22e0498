"""Which parameters separate the good trials from the rest, and how sure that is."""

import importlib.util
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

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

from studies.comparing import comparable_bpbs, has_bpb
from studies.errors import PlanError
from studies.records import Parameter, StudyRecord, TrialRecord

Evaluator = Literal["ped-anova", "fanova"]
EVALUATORS: dict[str, str] = {"ped-anova": "PED-ANOVA", "fanova": "fANOVA"}
MIN_USABLE_TRIALS = 20
MIN_FINISHED_TRIALS = 3  # what the pruned ones are compared with
MIN_CONDITIONAL_TRIALS = 10  # that a parameter must be set in
TOP = 0.4  # part of the trials that PED-ANOVA calls good; less leaves a handful of 50, and luck decides (see LOG.md)
RESAMPLES = 50
INTERVAL = 0.8  # of the resamples lie between low and high
_TREES = 8  # of each resample's forest; the resamples make a forest of forests
_SEED = 20_304  # of the resamples and the trees: equal records, equal importance


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """One parameter's part of the importance; all means together make 1."""

    name: str
    mean: float  # over the resamples
    low: float  # the middle INTERVAL of the resamples
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Importance:
    """What is known about the parameters; no shares, but a reason, where too little is known."""

    shares: tuple[Share, ...]  # the highest mean first; of equals, in the order of the space
    num_complete: int  # usable trials by how they ended
    num_pruned: int
    num_diverged: int
    evaluator: str  # as people write it
    partly: tuple[str, ...] = ()  # conditional parameters with a share: judged where they are set
    conditional: tuple[str, ...] = ()  # left out: not set in every usable trial
    constant: tuple[str, ...] = ()  # left out: one value in all usable trials
    reason: str | None = None  # why there are no shares

    @property
    def num_trials(self) -> int:
        return self.num_complete + self.num_pruned + self.num_diverged

    @property
    def summary(self) -> str:
        """What the shares rest on."""
        ended = [f"{self.num_complete} complete", f"{self.num_pruned} pruned"]
        if self.num_diverged:
            ended.append(f"{self.num_diverged} diverged")
        trials = f"n = {self.num_trials} trial{'s' * (self.num_trials != 1)} ({', '.join(ended)})"
        return f"{trials}, {self.evaluator}"


def importance(record: StudyRecord, *, evaluator: str = "ped-anova", resamples: int = RESAMPLES) -> Importance:
    """Share of each parameter in what makes trials good or bad, with its uncertainty.

    Usable are the search trials that completed or were pruned and have a bpb; ``comparable_bpbs`` puts them on one
    scale. Runs of other roles are not looked at. Parameters that never vary are left out and named, and so are those
    set in too few trials. PED-ANOVA judges the other conditional ones where they are set; fANOVA needs all
    parameters of every trial and leaves them out.

    Args:
        evaluator: ``ped-anova``, what tells the best two fifths of the trials from all; or ``fanova``, how much of
            the variance of bpb a random forest ascribes to each parameter alone, far too high values clipped.
        resamples: bootstrap samples of the trials, with replacement; mean and interval are taken over them.

    Raises:
        PlanError: the evaluator is unknown, or its package is missing.

    Sources: Watanabe, Bansal & Hutter, "PED-ANOVA", IJCAI 2023 (arXiv 2304.10255), with conditional parameters as in
    arXiv 2601.20800; Hutter, Hoos & Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance",
    ICML 2014; both as Optuna implements them.
    """
    check_evaluator(evaluator)
    usable = [trial for trial in record.trials if has_bpb(trial)]
    sorted_out = _sort_out(record.parameters, usable, keep_conditional=evaluator == "ped-anova")
    shares: tuple[Share, ...] = ()
    reason = _why_hidden(usable, sorted_out.varying)
    if reason is None:
        shares = _bootstrap(sorted_out.varying, usable, evaluator=evaluator, resamples=resamples)
        reason = None if shares else "Importance is hidden: the good trials cannot be told from the others."
    return Importance(
        shares=shares,
        num_complete=sum(t.state == "complete" and t.ending != "diverged" for t in usable),
        num_pruned=sum(t.state == "pruned" and t.ending != "diverged" for t in usable),
        num_diverged=sum(t.ending == "diverged" for t in usable),
        evaluator=EVALUATORS[evaluator],
        partly=sorted_out.partly,
        conditional=sorted_out.conditional,
        constant=sorted_out.constant,
        reason=reason,
    )


def check_evaluator(evaluator: str) -> None:
    """Refuse an evaluator that is not known or lacks its package."""
    if evaluator not in EVALUATORS:
        raise PlanError(f"--evaluator {evaluator!r} is unknown; choose from {', '.join(EVALUATORS)}.")
    if evaluator == "fanova" and importlib.util.find_spec("sklearn") is None:
        raise PlanError(
            "--evaluator fanova needs the package scikit-learn; install it with: pip install 'bardtune[fanova]', "
            "or choose --evaluator ped-anova."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _SortedOut:
    """Parameters by what can be said about them."""

    varying: tuple[Parameter, ...]  # to be judged
    partly: tuple[str, ...]  # of these, the ones not set in every trial
    conditional: tuple[str, ...]
    constant: tuple[str, ...]


def _sort_out(parameters: Sequence[Parameter], usable: Sequence[TrialRecord], *, keep_conditional: bool) -> _SortedOut:
    values = {p.name: [trial.params[p.name] for trial in usable if p.name in trial.params] for p in parameters}
    partly = [name for name, found in values.items() if len(found) < len(usable)]
    constant = [name for name, found in values.items() if found and all(value == found[0] for value in found)]
    constant = [name for name in constant if name not in partly]
    kept = [
        name
        for name in partly
        if keep_conditional
        and len(values[name]) >= MIN_CONDITIONAL_TRIALS
        and any(value != values[name][0] for value in values[name])
    ]
    left_out = {*constant, *(name for name in partly if name not in kept)}
    return _SortedOut(
        varying=tuple(p for p in parameters if p.name not in left_out),
        partly=tuple(kept),
        conditional=tuple(name for name in partly if name not in kept),
        constant=tuple(constant),
    )


def _why_hidden(usable: Sequence[TrialRecord], varying: Sequence[Parameter]) -> str | None:
    num_finished = sum(trial.val_bpb is not None for trial in usable)
    if len(usable) < MIN_USABLE_TRIALS:
        need, have = f"{MIN_USABLE_TRIALS} complete or pruned trials", len(usable)
    elif num_finished < MIN_FINISHED_TRIALS:
        need, have = f"{MIN_FINISHED_TRIALS} trials that spent their whole budget", num_finished
    elif len(varying) < 2:
        return f"Importance is hidden: it compares at least 2 parameters that vary; this study has {len(varying)}."
    else:
        return None
    return f"Too few trials to tell: importance needs at least {need}; this study has {have}."


def _bootstrap(
    parameters: Sequence[Parameter], usable: Sequence[TrialRecord], *, evaluator: str, resamples: int
) -> tuple[Share, ...]:
    """Shares over resampled trials; none where no resample can tell good from bad."""
    bpbs = comparable_bpbs(usable)
    names = [parameter.name for parameter in parameters]
    if evaluator == "fanova":
        judge: BaseImportanceEvaluator = FanovaImportanceEvaluator(n_trees=_TREES, seed=_SEED)
        trials = _as_optuna(parameters, usable, _clipped(bpbs), straight=True)
    else:
        with _quiet_optuna():
            judge = PedAnovaImportanceEvaluator(target_quantile=TOP)
        trials = _as_optuna(parameters, usable, bpbs, straight=False)
    rng = np.random.default_rng(_SEED)
    picks = rng.integers(len(trials), size=(resamples, len(trials)))
    with _quiet_optuna():
        samples = [_shares([trials[i] for i in pick], names, judge) for pick in picks]
    told_apart = np.array([sample for sample in samples if sample is not None])  # (samples, parameters)
    if not len(told_apart):
        return ()
    low, high = np.quantile(told_apart, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=0)
    rows = zip(names, told_apart.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    shares = [Share(name=name, mean=mean, low=lowest, high=highest) for name, mean, lowest, highest in rows]
    return tuple(sorted(shares, key=lambda share: -share.mean))


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
def _quiet_optuna() -> Iterator[None]:
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
    parameters: Sequence[Parameter], usable: Sequence[TrialRecord], bpbs: Sequence[float], *, straight: bool
) -> list[FrozenTrial]:
    """Complete Optuna trials; ``straight`` writes parameters on a log scale as logarithms, for who ignores scales."""
    columns: dict[str, list[Any]] = {}
    distributions: dict[str, BaseDistribution] = {}
    for parameter in parameters:
        values = [trial.params.get(parameter.name) for trial in usable]  # None where it is not set
        known = _distribution(parameter, [value for value in values if value is not None])
        if straight and isinstance(known, (FloatDistribution, IntDistribution)) and known.log:
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

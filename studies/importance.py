"""Which parameters separate the good trials from the rest, and how sure that is."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, create_trial

from studies.records import Parameter, StudyRecord, TrialRecord

MIN_USABLE_TRIALS = 20
MIN_TOP_TRIALS = 5  # PED-ANOVA's own advice for the trials above its quantile
RESAMPLES = 50
INTERVAL = 0.8  # of the resamples lie between low and high
_SEED = 20_304  # of the resamples: equal records, equal importance


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
    top: float  # part of the trials that counts as good
    evaluator: str = "PED-ANOVA"
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
        return f"{trials}, {self.evaluator}, top {self.top:.0%}".replace("%", " %")


def importance(record: StudyRecord, *, resamples: int = RESAMPLES) -> Importance:
    """Share of each parameter in what tells the best trials from all, with its uncertainty.

    Usable are the search trials that completed or were pruned and have a bpb. A pruned trial enters with the
    last bpb it reported: PED-ANOVA asks only where the best trials lie among all, so a pruned one need only
    be told apart from the good ones. A diverged trial enters as no better than the worst. Parameters that are
    not set in every usable trial, or that never vary, are left out and named.

    Args:
        resamples: bootstrap samples of the trials, with replacement; mean and interval are taken over them.

    Source: Watanabe, Bansal & Hutter, "PED-ANOVA", IJCAI 2023 (arXiv 2304.10255), as Optuna implements it.
    """
    usable = [trial for trial in record.trials if _is_usable(trial)]
    varying, conditional, constant = _sort_out(record.parameters, usable)
    top = min(1.0, max(0.1, MIN_TOP_TRIALS / max(1, len(usable))))
    shares: tuple[Share, ...] = ()
    reason = _why_hidden(usable, varying)
    if reason is None:
        shares = _bootstrap(varying, usable, top=top, resamples=resamples)
        reason = None if shares else "Importance is hidden: the good trials cannot be told from the others."
    return Importance(
        shares=shares,
        num_complete=sum(t.state == "complete" and t.ending != "diverged" for t in usable),
        num_pruned=sum(t.state == "pruned" and t.ending != "diverged" for t in usable),
        num_diverged=sum(t.ending == "diverged" for t in usable),
        top=top,
        conditional=conditional,
        constant=constant,
        reason=reason,
    )


def _is_usable(trial: TrialRecord) -> bool:
    bpb = trial.last_bpb
    return trial.state in ("complete", "pruned") and bpb is not None and math.isfinite(bpb)


def _sort_out(
    parameters: Sequence[Parameter], usable: Sequence[TrialRecord]
) -> tuple[list[Parameter], tuple[str, ...], tuple[str, ...]]:
    """Return the parameters that vary, and the names of the conditional and of the constant ones."""
    conditional = tuple(p.name for p in parameters if any(p.name not in trial.params for trial in usable))
    always = [p for p in parameters if p.name not in conditional]
    varying = [p for p in always if any(t.params[p.name] != usable[0].params[p.name] for t in usable)]
    constant = tuple(p.name for p in always if p not in varying)
    return varying, conditional, constant


def _why_hidden(usable: Sequence[TrialRecord], varying: Sequence[Parameter]) -> str | None:
    num_finished = sum(trial.val_bpb is not None for trial in usable)
    if len(usable) < MIN_USABLE_TRIALS:
        need, have = f"{MIN_USABLE_TRIALS} complete or pruned trials", len(usable)
    elif num_finished < MIN_TOP_TRIALS:
        need, have = f"{MIN_TOP_TRIALS} trials that spent their whole budget", num_finished
    elif len(varying) < 2:
        need, have = "2 parameters that vary and are set in every trial", len(varying)
    else:
        return None
    return f"Importance is hidden: it needs at least {need}; this study has {have}."


def _bootstrap(
    parameters: Sequence[Parameter], usable: Sequence[TrialRecord], *, top: float, resamples: int
) -> tuple[Share, ...]:
    """Shares over resampled trials; none where no resample can tell good from bad."""
    trials = _as_optuna(parameters, usable)
    names = [parameter.name for parameter in parameters]
    rng = np.random.default_rng(_SEED)
    picks = rng.integers(len(trials), size=(resamples, len(trials)))
    with _quiet_optuna():
        samples = [_shares([trials[i] for i in pick], names, top=top) for pick in picks]
    told_apart = np.array([sample for sample in samples if sample is not None])  # (samples, parameters)
    if not len(told_apart):
        return ()
    low, high = np.quantile(told_apart, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=0)
    rows = zip(names, told_apart.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    shares = [Share(name=name, mean=mean, low=lowest, high=highest) for name, mean, lowest, highest in rows]
    return tuple(sorted(shares, key=lambda share: -share.mean))


def _shares(trials: list[FrozenTrial], names: list[str], *, top: float) -> list[float] | None:
    """PED-ANOVA's shares in the order of ``names``; None when all are 0."""
    study = optuna.create_study()  # in memory
    study.add_trials(trials)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=top)
    found = get_param_importances(study, evaluator=evaluator, params=names, normalize=False)
    total = sum(found[name] for name in names)
    return [found[name] / total for name in names] if total > 0 and math.isfinite(total) else None


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


def _as_optuna(parameters: Sequence[Parameter], usable: Sequence[TrialRecord]) -> list[FrozenTrial]:
    """Complete Optuna trials with the last bpb of each."""
    values = [trial.last_bpb for trial in usable if trial.last_bpb is not None]
    worst = max(values)
    distributions = {p.name: _distribution(p, [trial.params[p.name] for trial in usable]) for p in parameters}
    return [
        create_trial(
            params={name: trial.params[name] for name in distributions},
            distributions=distributions,
            value=worst if trial.ending == "diverged" else value,
        )
        for trial, value in zip(usable, values, strict=True)
    ]


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

"""Which parameters separate the good trials from the rest, and how sure that is."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bardtune.studies.analysis.comparing import has_bpb
from bardtune.studies.analysis.evaluators import drawn_shares, judge_of, quiet_optuna
from bardtune.studies.errors import PlanError
from bardtune.studies.records import Parameter, StudyRecord, TrialRecord

EVALUATORS = {
    "surrogate": "Gaussian process",
    "regression": "quadratic regression",
    "ped-anova": "PED-ANOVA",
    "fanova": "fANOVA",
}
DEFAULT_EVALUATOR = "regression"  # the one that holds where a sampler has crowded its draws
MIN_USABLE_TRIALS = 20
MIN_FINISHED_TRIALS = 3  # what the pruned ones are compared with
MIN_CONDITIONAL_TRIALS = 10  # that a parameter must be set in
RESAMPLES = 50
DRAWS = 500  # of what the Gaussian process thinks possible
INTERVAL = 0.8  # of the samples lie between low and high
_SEED = 20_304  # of the resamples: equal records, equal importance


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """One parameter's part of the importance; all means together make 1."""

    name: str
    mean: float  # over the samples
    low: float  # the middle INTERVAL of the samples
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


def importance(record: StudyRecord, *, evaluator: str = DEFAULT_EVALUATOR, resamples: int = RESAMPLES) -> Importance:
    """Share of each parameter in what makes trials good or bad, with its uncertainty.

    Usable are the search trials that completed or were pruned and have a bpb; ``comparable_bpbs`` puts them on one
    scale. Runs of other roles are not looked at. Parameters that never vary are left out and named, and so are those
    set in too few trials. The other conditional ones are judged where they are set, except by fANOVA, which needs all
    parameters of every trial and leaves them out.

    Args:
        evaluator: ``surrogate``, how much of bpb the study's Gaussian process ascribes to each parameter alone, over
            its whole range; ``regression``, how much of it a smooth curve for each parameter explains there;
            ``ped-anova``, what tells the best two fifths of the trials from all; or ``fanova``, how much of the
            variance of bpb a random forest ascribes to each parameter alone.
        resamples: bootstrap samples of the trials, with replacement; mean and interval are taken over them. The
            Gaussian process says by itself how sure it is: mean and interval are over draws of what it thinks possible.

    Raises:
        PlanError: the evaluator is unknown, or its package is missing.
    """
    check_evaluator(evaluator)
    usable = [trial for trial in record.search_runs if has_bpb(trial)]
    sorted_out = _sort_out(record.parameters, usable, keep_conditional=evaluator != "fanova")
    shares: tuple[Share, ...] = ()
    reason = _why_hidden(usable, sorted_out.varying)
    if reason is None:
        if evaluator == "surrogate":
            samples = drawn_shares(record, sorted_out.varying, usable, draws=DRAWS)
        else:
            samples = _resampled(sorted_out.varying, usable, evaluator=evaluator, resamples=resamples)
        shares = _over(samples, sorted_out.varying)
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
            f"or choose --evaluator {DEFAULT_EVALUATOR}."
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


def _resampled(
    parameters: Sequence[Parameter], usable: Sequence[TrialRecord], *, evaluator: str, resamples: int
) -> list[Sequence[float]]:
    """Shares over resampled trials, as often as good can be told from bad."""
    judge = judge_of(evaluator, parameters, usable)
    picks = np.random.default_rng(_SEED).integers(len(usable), size=(resamples, len(usable)))
    with quiet_optuna():
        samples = [judge(pick) for pick in picks]
    return [sample for sample in samples if sample is not None]


def _over(samples: Sequence[Sequence[float]], parameters: Sequence[Parameter]) -> tuple[Share, ...]:
    if not samples:
        return ()
    found = np.array(samples)  # (samples, parameters)
    low, high = np.quantile(found, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=0)
    names = [parameter.name for parameter in parameters]
    rows = zip(names, found.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    shares = [Share(name=name, mean=mean, low=lowest, high=highest) for name, mean, lowest, highest in rows]
    return tuple(sorted(shares, key=lambda share: -share.mean))

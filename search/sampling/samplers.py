"""Samplers and pruners by name."""

import hashlib
import importlib
import warnings

import optuna
from bardtune.data.errors import UserError
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler

# Optuna's samplers import these only once their start-up trials are over.
_NEEDS = {"gp": ("scipy", "torch"), "cmaes": ("cmaes",)}
FIRST_RUNG_PERCENT = 20
MIN_FINISHED_BEFORE_PRUNING = 3


def derive_seed(seed: int, *parts: object) -> int:
    """A seed from a seed and what it is for: the same on every machine, in every session."""
    text = ":".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def check_sampler(name: str) -> None:
    """Import what the sampler will want, so that a missing package is known before the first trial."""
    for package in _NEEDS.get(name, ()):
        try:
            importlib.import_module(package)
        except ImportError as problem:
            raise UserError(
                f"the sampler {name!r} needs the package {package}; install it with: pip install {package}, "
                "or choose --sampler tpe."
            ) from problem


def make_sampler(name: str, *, seed: int, number: int) -> BaseSampler:
    """The sampler for one ask.

    Made anew for each trial from the study's seed and the trial's number, so that a study that was stopped and
    resumed draws what an unbroken one would have drawn. All state it needs is in the study's trials.
    """
    seed = derive_seed(seed, "sampler", number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "tpe":
            return TPESampler(seed=seed)
        if name == "gp":
            return GPSampler(seed=seed)
        if name == "cmaes":
            return CmaEsSampler(seed=seed, warn_independent_sampling=False)
        assert name == "random", name
        return RandomSampler(seed=seed)


def make_pruner(name: str) -> BasePruner:
    """The pruner; its steps are percents of the budget.

    ``halving`` is asynchronous successive halving (arXiv 1810.05934): at 20, 40 and 80 % a trial goes on if it is
    in the better half of those that have come as far. ``median`` stops what is worse than the median of the
    finished trials at the same percent, from 20 % on.
    """
    if name == "halving":
        return SuccessiveHalvingPruner(min_resource=FIRST_RUNG_PERCENT, reduction_factor=2)
    if name == "median":
        return MedianPruner(n_startup_trials=MIN_FINISHED_BEFORE_PRUNING, n_warmup_steps=FIRST_RUNG_PERCENT - 1)
    assert name == "none", name
    return NopPruner()

"""The samplers there are, and making one for a trial."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bardtune.search.registry import Kind, Registry
from bardtune.search.sampling.seeds import derive_seed

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from bardtune.search.sampling.so_far import StudySoFar


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """One draw of parameters."""

    seed: int  # of this draw alone
    number: int  # of the trial that it is for
    so_far: "StudySoFar | None" = None  # None: an Optuna study that is not one of ours


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplerKind(Kind):
    """One way to draw parameters.

    A sampler is made anew for each trial: all that it knows is in the study's trials and in its seed.
    """

    make: Callable[[Draw], "BaseSampler"]  # imports Optuna only when called, since --help does without it
    has_surrogate: bool = False  # it makes the study's surrogate for its draws: what is asked of that costs little more


SAMPLERS = Registry[SamplerKind](
    noun="sampler",
    package="bardtune.search.sampling.samplers",
    names=(
        "curvegp",
        "tpe",
        "gp",
        "random",
        "cmaes",
    ),
)


def make_sampler(name: str, *, seed: int, number: int, so_far: "StudySoFar | None" = None) -> "BaseSampler":
    """The sampler for one ask.

    Made anew for each trial from the study's seed and the trial's number, so that a study that was stopped and
    resumed draws what an unbroken one would have drawn. All state it needs is in the study's trials.
    """
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        draw = Draw(seed=derive_seed(seed, "sampler", number), number=number, so_far=so_far)
        return SAMPLERS.kind(name).make(draw)

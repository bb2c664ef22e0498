"""Random search: every draw by itself, evenly over the space; what the others have to beat."""

from typing import TYPE_CHECKING

from bardtune.search.sampling.samplers.registry import SamplerKind

if TYPE_CHECKING:
    from optuna.samplers import RandomSampler


def make(seed: int) -> "RandomSampler":
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


KIND = SamplerKind(summary="draws evenly over the space and learns nothing", make=make)

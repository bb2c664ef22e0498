"""Random search: every draw by itself, evenly over the space; what the others have to beat."""

from typing import TYPE_CHECKING

from bardtune.search.sampling.samplers.registry import Draw, SamplerKind

if TYPE_CHECKING:
    from optuna.samplers import RandomSampler


def make(draw: Draw) -> "RandomSampler":
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=draw.seed)


KIND = SamplerKind(summary="draws evenly over the space and learns nothing", make=make)

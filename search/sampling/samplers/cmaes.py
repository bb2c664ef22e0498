"""CMA-ES (Hansen 2016): a normal distribution that moves and stretches towards good trials.

Parameters that are no numbers, or that only some trials have, are drawn at random. It wants more trials than the
others before it is of use.
"""

from typing import TYPE_CHECKING

from bardtune.search.sampling.samplers.registry import Draw, SamplerKind

if TYPE_CHECKING:
    from optuna.samplers import CmaEsSampler


def make(draw: Draw) -> "CmaEsSampler":
    from optuna.samplers import CmaEsSampler

    return CmaEsSampler(seed=draw.seed, warn_independent_sampling=False)


KIND = SamplerKind(
    summary="draws from a normal distribution that adapts to good trials: CMA-ES",
    packages=("cmaes",),  # Optuna imports it only once the start-up trial is over
    make=make,
)

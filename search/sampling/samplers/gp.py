"""A Gaussian process over the parameters, and the draw from which it expects the largest improvement.

It is worth its time where trials are few and the parameters are numbers; its first ten draws are random. The process
that runs the study imports torch for it.
"""

from typing import TYPE_CHECKING

from bardtune.search.sampling.samplers.registry import Draw, SamplerKind

if TYPE_CHECKING:
    from optuna.samplers import GPSampler


def make(draw: Draw) -> "GPSampler":
    from optuna.samplers import GPSampler

    return GPSampler(seed=draw.seed)


KIND = SamplerKind(
    summary="draws where a Gaussian process expects the most",
    packages=("scipy", "torch"),  # Optuna imports them only once the start-up trials are over
    make=make,
)

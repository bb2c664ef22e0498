"""One Gaussian process over settings and learning curves (BoTorch), and the draw from which it expects the most.

It knows the noise between seeds, learns from pruned and running trials by their curves, and draws where the expected
improvement on the best settings (not on the luckiest run) is largest, first near the best known point and later
anywhere: C. Hvarfner et al., "piBO" (ICLR 2022); S. Ament et al., "Unexpected improvements to expected improvement"
(NeurIPS 2023). The process that runs the study imports torch for it.
"""

from typing import TYPE_CHECKING

from bardtune.search.sampling.samplers.registry import Draw, SamplerKind

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


def make(draw: Draw) -> "BaseSampler":
    from bardtune.search.sampling.curvegp.sampler import CurveGPSampler

    assert draw.so_far is not None, "the draws of a study of ours"
    return CurveGPSampler(draw.so_far, seed=draw.seed, number=draw.number)


KIND = SamplerKind(
    summary="draws where a Gaussian process over settings and learning curves expects the most",
    packages=("botorch",),
    make=make,
    has_surrogate=True,
)

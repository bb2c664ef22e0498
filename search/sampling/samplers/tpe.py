"""TPE, the tree-structured Parzen estimator (Bergstra et al., NIPS 2011).

It draws where good trials are dense and bad ones are not, all parameters together; its first ten draws are random.
"""

from typing import TYPE_CHECKING

from bardtune.search.sampling.samplers.registry import Draw, SamplerKind

if TYPE_CHECKING:
    from optuna.samplers import TPESampler


def make(draw: Draw) -> "TPESampler":
    from optuna.samplers import TPESampler

    return TPESampler(seed=draw.seed)


KIND = SamplerKind(summary="draws where good trials are dense: a tree-structured Parzen estimator", make=make)

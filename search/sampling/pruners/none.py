"""Stops nothing: every trial spends its whole budget."""

from typing import TYPE_CHECKING

from bardtune.search.sampling.pruners.registry import PrunerKind

if TYPE_CHECKING:
    from optuna.pruners import NopPruner


def make() -> "NopPruner":
    from optuna.pruners import NopPruner

    return NopPruner()


KIND = PrunerKind(summary="stops nothing", make=make)

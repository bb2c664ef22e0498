"""The pruners there are. A pruner's steps are percents of the budget, and it sees search trials only.

The coordinator holds every pruner to this: the best known point is never pruned, and nothing is until
``MIN_FINISHED_BEFORE_PRUNING`` trials have finished.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bardtune.search.registry import Kind, Registry

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

FIRST_RUNG_PERCENT = 20  # before it, a curve says little
MIN_FINISHED_BEFORE_PRUNING = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunerKind(Kind):
    """One way to stop weak trials early; its policy stands at the head of its module.

    It stops nothing before ``FIRST_RUNG_PERCENT``, and never the trial that is the best so far.
    """

    make: Callable[[], "BasePruner"]  # imports Optuna only when called, since --help does without it


PRUNERS = Registry[PrunerKind](
    noun="pruner",
    package="bardtune.search.sampling.pruners",
    names=(
        "halving",
        "median",
        "none",
    ),
)


def make_pruner(name: str) -> "BasePruner":
    """The pruner of a study."""
    return PRUNERS.kind(name).make()

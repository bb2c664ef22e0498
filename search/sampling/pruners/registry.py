"""The pruners there are. A pruner sees search trials only, and never the best known point: that is never pruned."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bardtune.search.registry import Kind, Registry

if TYPE_CHECKING:
    from bardtune.search.launch.protocol import Measured
    from bardtune.search.sampling.so_far import StudySoFar
    from bardtune.studies.store.open_run import OpenRun


class Pruner(Protocol):
    """Says which trials are not worth their whole budget; all the loop may ask of it."""

    def begin(self, run: "OpenRun") -> None:
        """A search trial is about to train, or to go on; nothing else trains where there is one worker."""

    def reason_to_stop(self, run: "OpenRun", measured: "Measured") -> str | None:
        """Why a trial that has just shown this bpb is to be stopped, in words; None if it is not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunerKind(Kind):
    """One way to stop weak trials early; its policy stands at the head of its module."""

    make: Callable[["StudySoFar"], Pruner]  # imports Optuna only when called, since --help does without it


PRUNERS = Registry[PrunerKind](
    noun="pruner",
    package="bardtune.search.sampling.pruners",
    names=(
        "chance",
        "halving",
        "median",
        "none",
    ),
)


def make_pruner(name: str, so_far: "StudySoFar") -> Pruner:
    """The pruner of a study."""
    return PRUNERS.kind(name).make(so_far)

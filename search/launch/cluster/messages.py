"""What goes between the bridge and a worker on a node of the cluster."""

from dataclasses import dataclass
from typing import Literal

from bardtune.search.launch.protocol import RunOrder, ScoreOrder, StopEnding

ItemKind = Literal["event", "checkpoint", "weights", "log"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeFacts:
    """What a node says of itself before anything trains there."""

    host: str
    cpu: str  # the processor's name and wide instructions
    numba: bool
    versions: dict[str, str]  # of what must be the same everywhere

    @property
    def kind(self) -> tuple[str, bool]:
        """Runs compare between nodes of one kind."""
        return self.cpu, self.numba


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a worker is to do, said again and again: whichever of them arrives, and however often, it is done once."""

    number: int  # of the order, from 1; one that the worker has begun already is not begun again
    order: RunOrder | ScoreOrder  # its paths are the coordinator's
    stop: StopEnding | None
    seen: int  # the last item that has arrived; what came before need not be sent again
    wait_s: float  # for something to say, if there is nothing yet


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One thing that a worker has to say or to hand over."""

    number: int  # from 1
    kind: ItemKind
    content: bytes  # of an event: as on a pipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A worker's answer: everything that has not been seen yet, in order."""

    number: int  # of the order that it has begun
    items: tuple[Item, ...]

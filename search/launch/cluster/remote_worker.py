"""A worker of the study, as its fleet sees it from here."""

from dataclasses import dataclass
from typing import Any

from bardtune.search.launch.cluster.nodes import Node
from bardtune.search.launch.protocol import RunOrder, ScoreOrder, StopEnding


@dataclass(eq=False, slots=True)
class RemoteWorker:
    """A worker of the study, and where it is at present."""

    index: int
    node: Node | None = None
    actor: Any = None
    hired_at: float = 0.0
    is_ready: bool = False
    order: RunOrder | ScoreOrder | None = None
    number: int = 0  # of the order, for this actor
    content: Any = None  # a reference to the checkpoint or the weights that the order needs
    is_told: bool = False  # whether the actor has the order
    stop: StopEnding | None = None
    seen: int = 0  # of the actor's items
    heard_at: float = 0.0
    end_at: float | None = None  # when it must have stopped
    ask_at: float | None = None  # again, after it could not be reached

    def take(self, order: RunOrder | ScoreOrder, content: Any, now: float) -> None:
        """Have an order of which its actor has not heard yet."""
        self.order, self.content, self.heard_at = order, content, now
        self.number, self.is_told = self.number + 1, False

    def end_order(self) -> None:
        """Have none any more."""
        self.order = self.stop = self.end_at = None

    def leave(self) -> None:
        """Be nowhere."""
        if self.node is not None:
            self.node.num_workers -= 1
        self.end_order()
        self.node = self.actor = self.content = self.ask_at = None
        self.number, self.seen, self.is_ready, self.is_told = 0, 0, False, False

    def forgive(self, gap_s: float) -> None:
        """Leave out of account that nobody was listened to for so long."""
        self.heard_at += gap_s
        self.hired_at += gap_s
        self.end_at = None if self.end_at is None else self.end_at + gap_s

"""What goes between the coordinator and the place where runs train."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Ending = Literal["finished", "pruned", "diverged", "crashed", "interrupted"]
StopEnding = Literal["pruned", "interrupted"]  # what becomes of a run that is asked to stop


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOrder:
    """One run to be trained."""

    run_id: str
    settings: dict[str, Any]
    corpus: str  # built-in name or path
    corpus_sha256: str
    checkpoint: Path
    weights: Path  # where a finished run leaves them
    limit_s: float  # seconds after which its process is ended unless it still works
    most_s: float = math.inf  # seconds after which it is ended all the same


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreOrder:
    """A finished run's weights to be scored on the validation and the test part."""

    run_id: str
    weights: Path
    corpus: str
    corpus_sha256: str
    limit_s: float  # as of a run
    most_s: float = math.inf


@dataclass(frozen=True, kw_only=True, slots=True)
class StopOrder:
    """A run to be ended; an interrupted one saves its state first."""

    run_id: str
    ending: StopEnding


Order = RunOrder | ScoreOrder | StopOrder


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """A sign of life between two measurements."""

    run_id: str
    step: int
    elapsed_s: float  # of the budget
    doing: str | None = None  # where that is not training


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A bpb at a percent of the budget; the final one comes with ``Ended`` after it."""

    run_id: str
    percent: int
    step: int
    elapsed_s: float
    val_bpb: float
    final: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The run's last event, whatever became of it."""

    run_id: str
    ending: Ending
    reason: str | None = None
    val_bpb: float | None = None  # of a finished run
    test_bpb: float | None = None  # of weights that were scored
    stats: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """On which of several machines a run trains; said when it begins there."""

    run_id: str
    node: int  # from 1, in the order in which they joined


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What the user is to be told of the place where runs train."""

    text: str


RunEvent = Heartbeat | Measured | Ended | Placed
LauncherEvent = RunEvent | Notice


class Launcher(Protocol):
    """Where runs train; all the loop may ask of it. Every order that was started gets exactly one ``Ended``.

    The paths in an order are the coordinator's own: a launcher for other machines brings the files there and back. A
    run that ends "interrupted" although nobody has asked for it has lost its place, and may go on in another.
    """

    @property
    def capacity(self) -> int:
        """Runs at a time; it may change while machines come and go."""

    def start(self, order: RunOrder | ScoreOrder) -> None:
        """Begin; the caller has seen to it that there is room."""

    def events(self, timeout_s: float) -> Sequence[LauncherEvent]:
        """What has happened, in order; waits up to ``timeout_s`` if nothing has.

        Raises:
            UserError: nothing can be trained here any more; runs in progress can go on from their checkpoints.
        """

    def stop(self, run_id: str, ending: StopEnding) -> None:
        """Ask a run to end; an interrupted one saves its state first. Quiet if it has ended already."""

    def close(self) -> None:
        """End all processes."""

"""What goes between the coordinator and the place where runs train."""

import math
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


RunEvent = Heartbeat | Measured | Ended


class Launcher(Protocol):
    """Where runs train; all the loop may ask of it. Every order that was started gets exactly one ``Ended``."""

    capacity: int  # runs at a time

    def start(self, order: RunOrder | ScoreOrder) -> None:
        """Begin; the caller has seen to it that there is room."""

    def events(self, timeout_s: float) -> list[RunEvent]:
        """What has happened, in order; waits up to ``timeout_s`` if nothing has."""

    def stop(self, run_id: str, ending: StopEnding) -> None:
        """Ask a run to end; an interrupted one saves its state first. Quiet if it has ended already."""

    def close(self) -> None:
        """End all processes."""

"""What each picture shows, as plain data: one view for each kind, drawn alike by every renderer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from studies.importance import INTERVAL, Importance, importance
from studies.plots.ticks import usual_range
from studies.plots.words import Frame, frame_of, hover_lines
from studies.records import StudyRecord, TrialRecord

KINDS = ("importance", "parallel", "history", "curves")
Look = Literal["finished", "pruned", "lost", "open"]  # lost: diverged or crashed; open: not yet over


@dataclass(frozen=True, kw_only=True, slots=True)
class Dot:
    """One trial of the history."""

    number: int
    bpb: float | None  # None for a trial that was lost
    shown: float  # where it is drawn: its bpb, or the top edge
    look: Look
    hover: tuple[str, ...]

    @property
    def is_clipped(self) -> bool:
        return self.bpb is not None and self.bpb != self.shown


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """bpb of the trials in the order of their numbers."""

    frame: Frame
    dots: tuple[Dot, ...] = ()
    best_so_far: tuple[tuple[int, float], ...] = ()  # (trial number, lowest bpb of the finished ones up to it)
    best: Dot | None = None
    baseline: float | None = None
    low: float = 0.0  # of the bpb axis
    high: float = 1.0

    @property
    def best_at(self) -> Literal["left", "center", "right"]:
        """Where along the axis the best trial stands, so that its label stays inside."""
        first, last = self.dots[0].number, self.dots[-1].number
        if self.best is None or last == first:
            return "center"
        place = (self.best.number - first) / (last - first)
        return "left" if place < 0.1 else "right" if place > 0.9 else "center"


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One trial's bpb over its budget."""

    label: str
    points: tuple[tuple[int, float], ...]  # (percent of budget, bpb); at least one
    look: Look
    hover: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    """bpb of the trials over their budgets."""

    frame: Frame
    curves: tuple[Curve, ...] = ()  # without the best
    best: Curve | None = None
    baseline: Curve | None = None
    seconds: float = 0.0  # the budget
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """Shares of the parameters, the highest first."""

    frame: Frame
    importance: Importance


def history(record: StudyRecord) -> History:
    """View of the trials one after the other; what lies far above the others is drawn at the top edge."""
    ended = [trial for trial in record.trials if _look(trial) != "open"]
    if not ended:
        return History(frame=frame_of(record, "history", sentence="No trial has ended yet."))
    low, high = _bpb_range(record)
    edge = high + 0.05 * (high - low)
    dots = tuple(_dot(trial, high=high, edge=edge) for trial in ended)
    best = record.best
    clipped = sum(dot.is_clipped for dot in dots)
    notes = ["No trial has finished yet."] if best is None else []
    if clipped:
        notes.append(f"{clipped} above {high:.2f} bpb drawn at the top edge (open triangles).")
    if any(dot.look == "pruned" for dot in dots):
        notes.append("Pruned trials stand at their last value, which is that of a shorter training.")
    return History(
        frame=frame_of(record, "history", note=" ".join(notes)),
        dots=dots,
        best_so_far=_best_so_far(record.trials),
        best=next((dot for dot in dots if best is not None and dot.number == best.number), None),
        baseline=record.baseline.val_bpb if record.baseline else None,
        low=low - 0.08 * (high - low),
        high=edge + 0.04 * (high - low),
    )


def curves(record: StudyRecord) -> Curves:
    """View of the learning curves, the best last."""
    drawn = {trial.number: _curve(trial) for trial in record.trials if _points(trial)}
    if not drawn:
        return Curves(frame=frame_of(record, "curves", sentence="No trial has reported a bpb yet."))
    best = drawn.pop(record.best.number) if record.best else None
    low, high = _bpb_range(record)
    if best is not None:  # the fall of the best curve after its first tenth is worth seeing
        high = max([high, *(bpb for percent, bpb in best.points if percent >= 10)])
    note = "Last point of a finished trial: the whole validation part; the points before: a fixed subset."
    return Curves(
        frame=frame_of(record, "curves", note=note),
        curves=tuple(sorted(drawn.values(), key=lambda curve: curve.look == "finished")),
        best=best,
        baseline=_curve(record.baseline) if record.baseline and _points(record.baseline) else None,
        seconds=record.plan.seconds,
        low=low - 0.08 * (high - low),
        high=high + 0.03 * (high - low),
    )


def bars(record: StudyRecord, *, evaluator: str = "ped-anova") -> Bars:
    """View of the importance, or of the reason why there is none."""
    found = importance(record, evaluator=evaluator)
    if found.reason is not None:
        return Bars(frame=frame_of(record, "importance", sentence=found.reason), importance=found)
    left_out = [f"{name} (not in every trial)" for name in found.conditional]
    left_out += [f"{name} (one value)" for name in found.constant]
    note = f"{found.summary}; bars: mean, whiskers: {INTERVAL:.0%} bootstrap interval.".replace("0%", "0 %")
    note += f" Left out: {', '.join(left_out)}." if left_out else ""
    return Bars(frame=frame_of(record, "importance", note=note), importance=found)


def _bpb_range(record: StudyRecord) -> tuple[float, float]:
    """Range of bpb that holds the baseline and all trials but those far above the others."""
    finished = [trial.val_bpb for trial in record.trials if trial.val_bpb is not None]
    heard = [bpb for trial in record.trials if (bpb := trial.last_bpb) is not None and math.isfinite(bpb)]
    marks = [record.baseline.val_bpb] if record.baseline and record.baseline.val_bpb is not None else []
    low, high = usual_range(finished, heard or marks or [8.0])
    return min([low, *marks]), max([high, *marks])


def _look(trial: TrialRecord) -> Look:
    if trial.state in ("running", "interrupted"):
        return "open"
    if trial.state == "pruned":
        return "pruned"
    return "finished" if trial.val_bpb is not None and math.isfinite(trial.val_bpb) else "lost"


def _dot(trial: TrialRecord, *, high: float, edge: float) -> Dot:
    look = _look(trial)
    bpb = None if look == "lost" else trial.last_bpb
    shown = edge if bpb is None or bpb > high else bpb
    return Dot(number=trial.number, bpb=bpb, shown=shown, look=look, hover=hover_lines(trial))


def _best_so_far(trials: Sequence[TrialRecord]) -> tuple[tuple[int, float], ...]:
    steps: list[tuple[int, float]] = []
    for trial in trials:
        if trial.val_bpb is not None:
            steps.append((trial.number, min([trial.val_bpb, *(bpb for _, bpb in steps[-1:])])))
    return tuple(steps)


def _points(trial: TrialRecord) -> tuple[tuple[int, float], ...]:
    """The curve, whose point at 100 % is the final value."""
    if trial.val_bpb is None:
        return trial.curve
    return (*((percent, bpb) for percent, bpb in trial.curve if percent < 100), (100, trial.val_bpb))


def _curve(trial: TrialRecord) -> Curve:
    return Curve(label=trial.label, points=_points(trial), look=_look(trial), hover=hover_lines(trial))

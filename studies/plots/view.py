"""What each picture shows, as plain data drawn alike by every renderer: history, learning curves, importance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bardtune.studies.analysis.importance import DEFAULT_EVALUATOR, INTERVAL, Importance, importance
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.plots.marks import (
    BaselineLine,
    BestMark,
    Dot,
    Look,
    baseline_line_of,
    best_mark_of,
    dot_of,
    dots_note,
    look_of,
    range_of,
)
from bardtune.studies.plots.words import Frame, bpb_text, frame_of, hover_lines
from bardtune.studies.records import StudyRecord, TrialRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """bpb of the trials in the order of their numbers."""

    frame: Frame
    dots: tuple[Dot, ...] = ()
    best_so_far: tuple[tuple[int, float], ...] = ()  # (trial number, lowest bpb of the finished ones up to it)
    best: Dot | None = None  # the winner, or the lowest single value while nothing is confirmed
    best_mark: BestMark | None = None
    confirmed: tuple[tuple[int, float, float | None], ...] = ()  # (trial number, mean of its fresh runs, their sd)
    noise: tuple[float, float] | None = None  # two standard deviations between seeds around the winner's mean
    baseline: BaselineLine | None = None
    low: float = 0.0  # of the bpb axis
    high: float = 1.0

    @property
    def best_at(self) -> Literal["left", "center", "right"]:
        """Where along the axis the best trial stands, so that its label stays inside."""
        first, last = self.dots[0].number, self.dots[-1].number
        if self.best is None or last == first:
            return "center"
        place = (self.best.number - first) / (last - first)
        return "left" if place < 0.2 else "right" if place > 0.8 else "center"


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
    best_name: str = ""
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
    ended = [trial for trial in record.search_runs if look_of(trial) != "open"]
    if not ended:
        return History(frame=frame_of(record, "history", sentence="No trial has ended yet."))
    scale = range_of(record)
    dots = tuple(dot_of(trial, scale) for trial in ended)
    best_mark, line = best_mark_of(record), baseline_line_of(record, scale)
    notes = [best_mark.note if best_mark else "No trial has finished yet."]
    noise = best_mark.noise if best_mark is not None else None
    if best_mark is not None and noise is not None:
        notes.append(f"Pale band: two standard deviations between seeds ({best_mark.seed_sd:.4f} bpb) around it.")
    low, high = scale.axis
    return History(
        frame=frame_of(record, "history", note=" ".join(notes + dots_note(dots, scale, line))),
        dots=dots,
        best_so_far=_best_so_far(record.search_runs),
        best=next((dot for dot in dots if best_mark is not None and dot.number == best_mark.trial.number), None),
        best_mark=best_mark,
        confirmed=_confirmed(record),
        noise=noise,
        baseline=line,
        low=low,
        high=high,
    )


def curves(record: StudyRecord) -> Curves:
    """View of the learning curves, the best last."""
    drawn = {trial.number: _curve(trial) for trial in record.search_runs if _points(trial)}
    if not drawn:
        return Curves(frame=frame_of(record, "curves", sentence="No trial has reported a bpb yet."))
    best_mark = best_mark_of(record)
    best = drawn.pop(best_mark.trial.number) if best_mark else None
    scale = range_of(record)
    baseline = _curve(record.baseline) if record.baseline and _points(record.baseline) else None
    low, high = scale.low, max([scale.high, *(bpb for _, bpb in (baseline.points[-1:] if baseline else ()))])
    if best is not None:  # the fall of the best curve after its first tenth is worth seeing
        high = max([high, *(bpb for percent, bpb in best.points if percent >= 10)])
    note = "Last point of a finished trial: the whole validation part; the points before: a fixed subset."
    if any(curve.look == "pruned" for curve in drawn.values()):
        note += " Dots: where trials were pruned."
    return Curves(
        frame=frame_of(record, "curves", note=note),
        curves=tuple(sorted(drawn.values(), key=lambda curve: curve.look == "finished")),
        best=best,
        best_name=_best_name(best_mark) if best_mark else "",
        baseline=baseline,
        seconds=record.plan.seconds,
        low=low - 0.08 * (high - low),
        high=high + 0.03 * (high - low),
    )


def bars(record: StudyRecord, *, evaluator: str = DEFAULT_EVALUATOR) -> Bars:
    """View of the importance, or of the reason why there is none."""
    found = importance(record, evaluator=evaluator)
    if found.reason is not None:
        return Bars(frame=frame_of(record, "importance", sentence=found.reason), importance=found)
    interval = f"{INTERVAL:.0%}".replace("%", " %")
    drawn = " and the curves that fit them" if evaluator == "regression" else ""
    notes = [f"Bars: mean, whiskers: {interval} interval, of trials resampled with replacement{drawn}."]
    if evaluator == "regression":
        notes.append("A share is what a curve of that parameter alone explains, over its whole range.")
    if found.num_pruned:
        notes.append(
            "Pruned trials count with their bpb where they were last heard together with finished ones, "
            "less what those still gained from there."
        )
    if found.partly:
        notes.append(f"Judged only where they are set: {', '.join(found.partly)}.")
    left_out = [f"{name} (not in every trial)" for name in found.conditional]
    left_out += [f"{name} (one value)" for name in found.constant]
    if left_out:
        notes.append(f"Left out: {', '.join(left_out)}.")
    return Bars(frame=frame_of(record, "importance", note=" ".join(notes)), importance=found)


def _best_name(best_mark: BestMark) -> str:
    """The curve is that of the search trial, not of the fresh runs."""
    own = bpb_text(best_mark.trial.val_bpb or 0.0)
    return f"winner: trial {best_mark.trial.number}, in this run {own}" if best_mark.n else best_mark.text


def _confirmed(record: StudyRecord) -> tuple[tuple[int, float, float | None], ...]:
    return tuple(
        (group.runs[0].candidate, group.mean, group.sd)
        for group in verdict_of(record).candidates
        if group.runs[0].candidate is not None
    )


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
    return Curve(label=trial.label, points=_points(trial), look=look_of(trial), hover=hover_lines(trial))

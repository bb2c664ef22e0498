"""Learning curves: bpb of the trials over their budgets."""

from dataclasses import dataclass

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.marks import BestMark, Look, look_of
from bardtune.studies.plots.view import View
from bardtune.studies.plots.words import hover_lines
from bardtune.studies.records import TrialRecord

HEADING = "learning curves"


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One trial's bpb over its budget."""

    label: str
    points: tuple[tuple[int, float], ...]  # (percent of budget, bpb); at least one
    look: Look
    hover: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves(View):
    """bpb of the trials over their budgets."""

    curves: tuple[Curve, ...]  # without the best
    best: Curve | None
    best_name: str
    baseline: Curve | None
    seconds: float  # the budget
    low: float  # of the bpb axis
    high: float


def view(data: PlotData) -> View:
    """View of the learning curves, the best last."""
    record, best_mark = data.record, data.best_mark
    drawn = {trial.number: _curve(trial) for trial in record.search_runs if _points(trial)}
    if not drawn:
        return data.nothing(HEADING, "No trial has reported a bpb yet.")
    best = drawn.pop(best_mark.trial.number) if best_mark else None
    baseline = _curve(record.baseline) if record.baseline and _points(record.baseline) else None
    low, high = _axis(data, best, baseline)
    notes = ["Last point of a finished trial: the whole validation part; the points before: a fixed subset."]
    if any(curve.look == "pruned" for curve in drawn.values()):
        notes.append("Dots: where trials were pruned.")
    return Curves(
        frame=data.frame(HEADING, notes),
        curves=tuple(sorted(drawn.values(), key=lambda curve: curve.look == "finished")),
        best=best,
        best_name=_best_name(best_mark) if best_mark else "",
        baseline=baseline,
        seconds=record.plan.seconds,
        low=low,
        high=high,
    )


def _axis(data: PlotData, best: Curve | None, baseline: Curve | None) -> tuple[float, float]:
    """Both ends of the bpb axis: the fall of the best curve after its first tenth is worth seeing."""
    low, high = data.bpb_range.low, data.bpb_range.high
    if baseline is not None:
        high = max(high, baseline.points[-1][1])
    if best is not None:
        high = max([high, *(bpb for percent, bpb in best.points if percent >= 10)])
    return low - 0.08 * (high - low), high + 0.03 * (high - low)


def _best_name(best_mark: BestMark) -> str:
    """The curve is that of the search trial, not of the fresh runs."""
    own = bpb_text(best_mark.trial.val_bpb)
    return f"winner: trial {best_mark.trial.number}, in this run {own}" if best_mark.n else best_mark.text


def _points(trial: TrialRecord) -> tuple[tuple[int, float], ...]:
    """The curve, whose point at 100 % is the final value."""
    if trial.val_bpb is None:
        return trial.curve
    return (*((percent, bpb) for percent, bpb in trial.curve if percent < 100), (100, trial.val_bpb))


def _curve(trial: TrialRecord) -> Curve:
    return Curve(label=trial.label, points=_points(trial), look=look_of(trial), hover=hover_lines(trial))

"""bpb over the two most important parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from bardtune.studies.analysis.comparing import comparable_bpbs
from bardtune.studies.analysis.importance import DEFAULT_EVALUATOR, importance
from bardtune.studies.plots.axes import Axis, parameter_axis
from bardtune.studies.plots.marks import BestMark, Dot, best_mark_of, dot_of, look_of, range_of
from bardtune.studies.plots.words import Frame, frame_of
from bardtune.studies.records import StudyRecord, TrialRecord

GRID = 60  # points of the surface along each axis
REACH = 0.12  # of each axis: standard deviation of the kernel that averages neighbours
_LEAST_WEIGHT = 0.35  # of all neighbours together: about one trial within 1.5 reaches


@dataclass(frozen=True, kw_only=True, slots=True)
class Contour:
    """A surface and the trials that it rests on."""

    frame: Frame
    x: Axis | None = None  # the most important parameter; one position for each dot
    y: Axis | None = None
    grid_x: tuple[float, ...] = ()  # GRID positions
    grid_y: tuple[float, ...] = ()
    bpb: tuple[tuple[float | None, ...], ...] = ()  # of the surface, a row for each grid_y; None: no trial is near
    low: float = 0.0  # of the colours
    high: float = 1.0
    dots: tuple[Dot, ...] = ()
    best: int | None = None  # index into dots
    best_mark: BestMark | None = None


def contour(record: StudyRecord, *, evaluator: str = DEFAULT_EVALUATOR) -> Contour:
    """View of the two parameters with the highest importance, or of the reason why these are not known."""
    found = importance(record, evaluator=evaluator)
    names = [share.name for share in found.shares if share.name not in found.partly][:2]
    if len(names) < 2:
        why = found.reason or "Fewer than two parameters are set in every trial."
        return Contour(frame=frame_of(record, "contour", sentence=why))
    trials = [t for t in record.search_runs if look_of(t) in ("finished", "pruned") and t.last_bpb is not None]
    chosen = {parameter.name: parameter for parameter in record.parameters}
    x, y = (_roomy(parameter_axis(chosen[name], [trial.params for trial in trials])) for name in names)
    bpbs = np.array(comparable_bpbs(trials))
    grid_x, grid_y = (np.linspace(axis.low, axis.high, GRID) for axis in (x, y))
    surface = _surface(_heights(x, x.positions), _heights(y, y.positions), bpbs)
    low, high = np.quantile(bpbs, [0.05, 0.75]).tolist()
    best_mark = best_mark_of(record)
    scale = range_of(record)
    return Contour(
        frame=frame_of(record, "contour", note=_note(best_mark, found.summary, trials)),
        x=x,
        y=y,
        grid_x=tuple(grid_x.tolist()),
        grid_y=tuple(grid_y.tolist()),
        bpb=tuple(tuple(None if np.isnan(bpb) else float(bpb) for bpb in row) for row in surface),
        low=low,
        high=max(high, low + 0.005),
        dots=tuple(dot_of(trial, scale) for trial in trials),
        best=next((n for n, trial in enumerate(trials) if best_mark and trial.number == best_mark.trial.number), None),
        best_mark=best_mark,
    )


def _roomy(axis: Axis) -> Axis:
    room = 0.05 * (axis.high - axis.low)
    return replace(axis, low=axis.low - room, high=axis.high + room)


def _heights(axis: Axis, positions: Sequence[float]) -> np.ndarray:
    return np.array([axis.height(position) for position in positions])


def _surface(x: np.ndarray, y: np.ndarray, bpbs: np.ndarray) -> np.ndarray:
    """Mean bpb of the neighbours of each grid point, near ones counting more; NaN where there are none.

    Args:
        x, y, bpbs: (N,); places between 0 and 1.

    Returns:
        (GRID, GRID), rows along y.

    Source: E. A. Nadaraya, "On estimating regression", 1964.
    """
    line = np.linspace(0, 1, GRID)
    far = np.minimum(bpbs, np.quantile(bpbs, 0.9))  # one run that went wrong must not colour its neighbourhood
    squares = (line[None, :, None] - x) ** 2 + (line[:, None, None] - y) ** 2  # (GRID, GRID, N)
    weights = np.exp(-squares / (2 * REACH**2))
    total = weights.sum(axis=2)
    mean = (weights * far).sum(axis=2) / np.maximum(total, 1e-12)
    return np.where(total >= _LEAST_WEIGHT, mean, np.nan)


def _note(best_mark: BestMark | None, summary: str, trials: Sequence[TrialRecord]) -> str:
    notes = [f"Surface: mean bpb of neighbouring trials, blank where there are none ({summary})."]
    if any(trial.val_bpb is None for trial in trials):
        notes.append("Pruned trials (small, grey) count with what they would have reached at the usual pace.")
    return " ".join([*notes, *([best_mark.note] if best_mark else [])])

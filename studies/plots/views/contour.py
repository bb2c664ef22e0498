"""bpb over the two most important parameters."""

from dataclasses import dataclass, replace

import numpy as np

from bardtune.studies.analysis.comparing import comparable_bpbs
from bardtune.studies.plots.axes import Axis, parameter_axis
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.marks import BestMark, Dot
from bardtune.studies.plots.view import View

HEADING = "bpb over the two most important parameters"
GRID = 60  # points of the surface along each axis
REACH = 0.12  # of each axis: standard deviation of the kernel that averages neighbours
_LEAST_WEIGHT = 0.35  # of all neighbours together: about one trial within 1.5 reaches


@dataclass(frozen=True, kw_only=True, slots=True)
class Contour(View):
    """A surface and the trials that it rests on."""

    x: Axis  # the most important parameter; one position for each dot
    y: Axis
    grid_x: tuple[float, ...]  # GRID positions
    grid_y: tuple[float, ...]
    bpb: tuple[tuple[float | None, ...], ...]  # of the surface, a row for each grid_y; None: no trial is near
    low: float  # of the colours
    high: float
    dots: tuple[Dot, ...]
    best: int | None  # index into dots
    best_mark: BestMark | None


def view(data: PlotData) -> View:
    """View of the two parameters with the highest importance, or of the reason why these are not known."""
    found, trials = data.importance, data.scored_trials
    names = [share.name for share in found.shares if share.name not in found.partly][:2]
    if len(names) < 2:
        return data.nothing(HEADING, found.reason or "Fewer than two parameters are set in every trial.")
    parameters = {parameter.name: parameter for parameter in data.record.parameters}
    x, y = (_roomy(parameter_axis(parameters[name], [trial.params for trial in trials])) for name in names)
    bpbs = np.array(comparable_bpbs(trials))
    grid_x, grid_y = (np.linspace(axis.low, axis.high, GRID) for axis in (x, y))
    surface = _surface(_heights(x), _heights(y), bpbs)
    low, high = np.quantile(bpbs, [0.05, 0.75]).tolist()
    return Contour(
        frame=data.frame(HEADING, _notes(data)),
        x=x,
        y=y,
        grid_x=tuple(grid_x.tolist()),
        grid_y=tuple(grid_y.tolist()),
        bpb=tuple(tuple(None if np.isnan(bpb) else float(bpb) for bpb in row) for row in surface),
        low=low,
        high=max(high, low + 0.005),
        dots=data.dots(trials),
        best=data.place_of_best(trials),
        best_mark=data.best_mark,
    )


def _roomy(axis: Axis) -> Axis:
    room = 0.05 * (axis.high - axis.low)
    return replace(axis, low=axis.low - room, high=axis.high + room)


def _heights(axis: Axis) -> np.ndarray:
    return np.array([axis.height(position) for position in axis.positions])


def _surface(x: np.ndarray, y: np.ndarray, bpbs: np.ndarray) -> np.ndarray:
    """Mean bpb of the neighbours of each grid point, near ones counting more; NaN where there are none.

    Args:
        x, y, bpbs: (N,); places between 0 and 1.

    Returns:
        (GRID, GRID), rows along y.

    Source: E. A. Nadaraya, "On estimating regression", 1964.
    """
    spots = np.linspace(0, 1, GRID)
    clipped = np.minimum(bpbs, np.quantile(bpbs, 0.9))  # one run that went wrong must not colour its neighbourhood
    squares = (spots[None, :, None] - x) ** 2 + (spots[:, None, None] - y) ** 2  # (GRID, GRID, N)
    weights = np.exp(-squares / (2 * REACH**2))
    total = weights.sum(axis=2)
    mean = (weights * clipped).sum(axis=2) / np.maximum(total, 1e-12)
    return np.where(total >= _LEAST_WEIGHT, mean, np.nan)


def _notes(data: PlotData) -> list[str]:
    notes = [f"Surface: mean bpb of neighbouring trials, blank where there are none ({data.importance.summary})."]
    if any(trial.val_bpb is None for trial in data.scored_trials):
        notes.append("Pruned trials (small, grey) count with what they would have reached at the usual pace.")
    return [*notes, *([data.best_mark.note] if data.best_mark else [])]

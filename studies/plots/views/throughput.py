"""bpb against training speed."""

import math
from dataclasses import replace

from bardtune.studies.plots.axes import Axis, parameter_axis
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.view import View
from bardtune.studies.plots.views.panels import Panel, lying, panels_view
from bardtune.studies.records import Parameter, TrialRecord

HEADING = "training speed and bpb"


def view(data: PlotData) -> View:
    """View of bpb against bytes trained on per second."""
    trials = [trial for trial in data.scored_trials if _speed(trial) > 0]
    if not trials:
        return data.nothing(HEADING, "No trial with a bpb has said how many bytes per second it trained on.")
    baseline, line = data.record.baseline, data.baseline_line
    baselines = [baseline] if baseline is not None and _speed(baseline) > 0 else []
    axis = _axis([_speed(run) for run in [*trials, *baselines]])
    count = len(trials)
    panel = Panel(
        axis=replace(axis, positions=axis.positions[:count], texts=axis.texts[:count]),
        title="training speed (thousand bytes per second)",
        dots=data.dots(trials),
        best=data.place_of_best(trials),
        baseline=(axis.positions[count], line.shown) if baselines and line is not None else None,
    )
    return panels_view(data, HEADING, [panel])


def _axis(speeds: list[float]) -> Axis:
    """From 0, or logarithmic where they are far apart."""
    log = max(speeds) > 8 * min(speeds)
    step = 2 * 10.0 ** (math.floor(math.log10(max(speeds))) - 1)
    end = None if log else step * math.ceil(max(speeds) / step)
    parameter = Parameter(name="speed", log=log, low=None if log else 0.0, high=end)
    return lying(parameter_axis(parameter, [{"speed": speed} for speed in speeds]), gap=0.09)


def _speed(run: TrialRecord) -> float:
    """Thousand bytes per second; 0 if unknown."""
    speed = run.stats.get("bytes_per_s")
    return float(speed) / 1000 if isinstance(speed, (int, float)) and math.isfinite(speed) else 0.0

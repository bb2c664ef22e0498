"""bpb against training speed."""

import math

from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.view import View
from bardtune.studies.plots.views.panels import panel_against, panels_view
from bardtune.studies.records import TrialRecord

HEADING = "training speed and bpb"


def view(data: PlotData) -> View:
    """View of bpb against bytes trained on per second."""
    panel = panel_against(data, "training speed (thousand bytes per second)", _speed)
    if panel is None:
        return data.nothing(HEADING, "No trial with a bpb has said how many bytes per second it trained on.")
    return panels_view(data, HEADING, [panel])


def _speed(run: TrialRecord) -> float:
    """Thousand bytes per second; 0 if unknown."""
    speed = run.stats.get("bytes_per_s")
    return float(speed) / 1000 if isinstance(speed, (int, float)) and math.isfinite(speed) else 0.0

"""bpb against training speed."""

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
    return (run.stats.bytes_per_s or 0) / 1000

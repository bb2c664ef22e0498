"""bpb against each parameter."""

from bardtune.studies.plots.axes import parameter_axis
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.view import View
from bardtune.studies.plots.views.panels import Panel, lying, panels_view
from bardtune.studies.records import Parameter

HEADING = "bpb against each parameter"


def view(data: PlotData) -> View:
    """View of the trials that have a bpb, in a panel for each parameter."""
    if not data.scored_trials:
        return data.nothing(HEADING, "No trial has reported a bpb yet.")
    if not data.record.parameters:
        return data.nothing(HEADING, "This study searched no parameter.")
    panels = [_panel(data, parameter) for parameter in data.record.parameters]
    return panels_view(data, HEADING, panels, "Dots of one column differ in all other parameters too.")


def _panel(data: PlotData, parameter: Parameter) -> Panel:
    trials = data.scored_trials
    axis = parameter_axis(parameter, [trial.params for trial in trials])
    return Panel(
        axis=lying(axis, gap=0.19, keep=parameter.choices is not None),
        title=parameter.name,
        dots=data.dots(trials),
        best=data.place_of_best(trials),
    )

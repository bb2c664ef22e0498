"""Views and plotly figures of make-believe studies."""

from typing import Any

from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.plotly.page import drawing_of
from bardtune.studies.plots.registry import view_of
from bardtune.studies.plots.view import View
from bardtune.studies.records import StudyRecord


def view_of_record(record: StudyRecord, kind: str, **options: str) -> Any:
    """What the picture of ``kind`` shows; its class is that kind's own, hence Any."""
    return view_of(PlotData(record, **options), kind)


def figure_of(view: View) -> Any:
    """The plotly figure of a view that has something to draw."""
    return drawing_of(view).figure

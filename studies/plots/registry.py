"""The kinds of pictures, and the view of each."""

from collections.abc import Callable

from bardtune.studies.analysis.importance import DEFAULT_EVALUATOR
from bardtune.studies.plots.marks import only_finite
from bardtune.studies.plots.panels import Panels, slices, throughput
from bardtune.studies.plots.parallel import Parallel, parallel
from bardtune.studies.plots.surface import Contour, contour
from bardtune.studies.plots.timeline import Timeline, timeline
from bardtune.studies.plots.view import Bars, Curves, History, bars, curves, history
from bardtune.studies.records import StudyRecord

KINDS = ("importance", "parallel", "history", "curves", "slice", "contour", "timeline", "throughput")
DEFAULT_KINDS = ("importance", "parallel", "history", "curves", "slice", "timeline")
View = Bars | Contour | Curves | History | Panels | Parallel | Timeline


def view_of(record: StudyRecord, kind: str, *, evaluator: str = DEFAULT_EVALUATOR) -> View:
    """What the picture of ``kind`` shows.

    Args:
        evaluator: of the importance, which also chooses the parameters of the contour.
    """
    makers: dict[str, Callable[[StudyRecord], View]] = {
        "importance": lambda each: bars(each, evaluator=evaluator),
        "parallel": parallel,
        "history": history,
        "curves": curves,
        "slice": slices,
        "contour": lambda each: contour(each, evaluator=evaluator),
        "timeline": timeline,
        "throughput": throughput,
    }
    return makers[kind](only_finite(record))

"""The kinds of pictures, and the view of each."""

from collections.abc import Callable

from studies.importance import DEFAULT_EVALUATOR
from studies.plots.marks import only_finite
from studies.plots.panels import Panels, slices, throughput
from studies.plots.parallel import Parallel, parallel
from studies.plots.surface import Contour, contour
from studies.plots.timeline import Timeline, timeline
from studies.plots.view import Bars, Curves, History, bars, curves, history
from studies.records import StudyRecord

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

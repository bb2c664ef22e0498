"""What samplers and pruners may know of a study beside what Optuna does."""

from collections.abc import Callable
from dataclasses import dataclass

from bardtune.search.sampling.space import SearchSpace
from bardtune.studies.records import StudyRecord
from bardtune.studies.surrogate.maker import SurrogateMaker


@dataclass(frozen=True, kw_only=True, slots=True)
class StudySoFar:
    """A study in progress, as it is whenever it is looked at."""

    space: SearchSpace
    record: Callable[[], StudyRecord]
    surrogates: SurrogateMaker
    is_pressed: Callable[[], bool] = lambda: False  # whether the hours are too few for the runs that are planned

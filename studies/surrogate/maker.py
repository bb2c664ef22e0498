"""Makes the surrogate of a study again and again, and learns its numbers no more often than needed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bardtune.studies.records import Parameter, StudyRecord
from bardtune.studies.surrogate.observations import modelled, observe

if TYPE_CHECKING:
    from bardtune.studies.surrogate.surrogate import Numbers, Surrogate

# The numbers are learned anew when so many runs have ended, and kept in between: a function of what is stored. With
# fewer than the first there is nothing to learn from.
LEARNED_SOONER = (1, 2, 3)  # too, where earlier studies are learned from
LEARNED_AT = (4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 28, 33, 39, 46)


class SurrogateMaker:
    """What a study has learned, at any moment of it. Imports torch when there is something to learn from.

    Args:
        parameters: of the search space; None for those of the record.
    """

    def __init__(self, parameters: Sequence[Parameter] | None = None) -> None:
        self.parameters = parameters
        self._numbers: dict[int, Numbers] = {}
        self._made: tuple[Any, Surrogate] | None = None  # the last one, and of what

    def make(self, record: StudyRecord, *, without: str | None = None) -> "Surrogate | None":
        """What the study has learned by now: a function of what is stored; None as long as that is too little.

        Args:
            without: the id of a run that is not to be learned from.
        """
        parameters = record.parameters if self.parameters is None else self.parameters
        runs = [run for run in modelled(record) if run.run_id != without]
        num_ended = sum(run.ended is not None for run in runs)
        seen = observe(record, runs)
        if seen is None:
            return None
        learned_at = (*LEARNED_SOONER, *LEARNED_AT) if len(seen.params) > len(seen.runs) else LEARNED_AT
        learned_from = max((count for count in learned_at if count <= num_ended), default=0)
        first = observe(record, runs[:learned_from])
        if first is None or not any(run.role == "search" and run.val_bpb is not None for run in runs):
            return None
        from bardtune.studies.surrogate.surrogate import Surrogate, learn

        of_what = [(run.run_id, run.ending, run.val_bpb, len(run.curve)) for run in runs]
        if self._made is not None and self._made[0] == of_what:
            return self._made[1]
        if learned_from not in self._numbers:
            self._numbers[learned_from] = learn(parameters, first)
        made = Surrogate(parameters, seen, self._numbers[learned_from])
        self._made = (of_what, made)
        return made

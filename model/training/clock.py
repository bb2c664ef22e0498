"""The clock of a run: what is charged to its budget, and what is measured but not charged."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bardtune.data.awake import awake_s

PHASES = ("setup", "train", "evaluate", "checkpoint")


@dataclass(slots=True)
class TrainingClock:
    """Wall seconds by phase; only the phase ``train`` is charged to the budget.

    ``setup`` is model construction and the warm-up pass. Time between phases (a listener that is slow to ask
    for the next event) belongs to nobody and is not counted, and neither is time in which this process stood still.
    """

    budget_s: float
    now: Callable[[], float] = awake_s
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    last_step_s: float = 0.0  # what the run's last step took
    cpu_train_s: float = 0.0  # CPU seconds of all threads of this process while training
    cpu_now: Callable[[], float] = time.process_time

    @contextmanager
    def charge(self, phase: str) -> Iterator[None]:
        """Count the wall time of the block, also when it raises."""
        began, cpu_began = self.now(), self.cpu_now()
        try:
            yield
        finally:
            self.seconds[phase] += self.now() - began
            if phase == "train":
                self.cpu_train_s += self.cpu_now() - cpu_began

    @property
    def spent_s(self) -> float:
        return self.seconds["train"]

    @property
    def fraction(self) -> float:
        """Part of the budget spent, at most 1."""
        return min(1.0, self.spent_s / self.budget_s)

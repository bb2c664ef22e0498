"""How long a run is: seconds of training, or a number of steps.

Schedules and reports follow the part of the budget that is spent, from 0 to 1, whatever it is counted in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bardtune.model.settings import SettingsError
from bardtune.model.training.clock import TrainingClock

MOST_STEPS = 10_000_000


class Budget(Protocol):
    """All that a run asks of its budget."""

    def fraction(self, steps: int) -> float:
        """Return the part that is spent after ``steps`` steps, 0.0 to 1.0."""

    def has_time(self, steps: int) -> bool:
        """Whether one more step is begun after ``steps`` steps."""


@dataclass(frozen=True, slots=True)
class SecondsBudget:
    """The seconds of a clock."""

    clock: TrainingClock

    def fraction(self, steps: int) -> float:
        return self.clock.fraction

    def has_time(self, steps: int) -> bool:
        """A step that would overrun the budget is not begun; the first one always is."""
        return steps == 0 or self.clock.spent_s + self.clock.last_step_s <= self.clock.budget_s


@dataclass(frozen=True, slots=True)
class StepBudget:
    """One step for each fraction: the same run each time, however fast the machine is.

    With its last step the whole budget is spent: a tenth that a run by seconds reaches only then is not reported.

    Raises:
        SettingsError: no fraction at all, or one that is not from 0 to 1.
    """

    fractions: tuple[float, ...]  # what is spent when each step begins

    def __post_init__(self) -> None:
        if not self.fractions:
            raise SettingsError("a run by steps has no step; give at least one fraction of the budget, such as 0.0.")
        for step, fraction in enumerate(self.fractions):
            if not 0.0 <= fraction <= 1.0:  # NaN is neither
                raise SettingsError(f"the fraction of step {step} is {fraction}; give a value from 0 to 1.")

    def fraction(self, steps: int) -> float:
        return self.fractions[steps] if self.has_time(steps) else 1.0

    def has_time(self, steps: int) -> bool:
        return steps < len(self.fractions)


def step_budget(*, num_steps: int | None = None, replay: Sequence[float] | None = None) -> StepBudget | None:
    """Return a budget of ``num_steps`` even steps, or of the recorded ones; None if neither is given.

    Args:
        num_steps: 1 to MOST_STEPS.
        replay: the ``fractions`` of the run to repeat.

    Raises:
        SettingsError: both, or values that no run could follow.
    """
    if replay is not None:
        if num_steps is not None:
            raise SettingsError("num_steps and replay both say how many steps a run makes; give one of them.")
        return StepBudget(tuple(replay))
    if num_steps is None:
        return None
    if not 1 <= num_steps <= MOST_STEPS:
        raise SettingsError(f"a run of {num_steps:,} steps is not possible; give 1 to {MOST_STEPS:,} steps.")
    return StepBudget(tuple(step / num_steps for step in range(num_steps)))

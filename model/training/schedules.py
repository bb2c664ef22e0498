"""Learning-rate multipliers as pure functions of the fraction of the budget that is spent."""

import math
from collections.abc import Callable

# Choices of the setting ``schedule``: the multiplier after the warm-up, of the part of what is left that is spent.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda spent: 1.0,
    "cosine": lambda spent: 0.5 * (1.0 + math.cos(math.pi * spent)),
    "linear": lambda spent: 1.0 - spent,
}


def learning_rate_multiplier(progress: float, *, schedule: str, warmup: float) -> float:
    """Multiplier on the peak learning rate: a linear rise, then the schedule over what is left.

    Args:
        progress: fraction of the budget spent, 0.0 to 1.0.
        schedule: one of SCHEDULES.
        warmup: fraction of the budget spent rising from 0 to 1, below 1.
    """
    if progress < warmup:
        return progress / warmup
    return SCHEDULES[schedule](min(1.0, (progress - warmup) / (1.0 - warmup)))

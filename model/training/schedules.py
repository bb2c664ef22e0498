"""Learning-rate multipliers as pure functions of the fraction of the budget that is spent."""

import math


def learning_rate_multiplier(progress: float, *, schedule: str, warmup: float) -> float:
    """Multiplier on the peak learning rate: a linear rise, then the schedule over what is left.

    Args:
        progress: fraction of the budget spent, 0.0 to 1.0.
        schedule: ``constant`` stays at 1; ``cosine`` and ``linear`` fall to 0 at progress 1.
        warmup: fraction of the budget spent rising from 0 to 1, below 1.
    """
    if progress < warmup:
        return progress / warmup
    if schedule == "constant":
        return 1.0
    cooled = min(1.0, (progress - warmup) / (1.0 - warmup))
    return 1.0 - cooled if schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * cooled))

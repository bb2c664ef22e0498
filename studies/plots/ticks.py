"""Where an axis ends, and the round numbers along it."""

import math
from collections.abc import Sequence

import numpy as np

Tick = tuple[float, str]  # position in axis units, label


def round_steps(low: float, high: float, *, most: int = 6, whole: bool = False) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten from low to high, ``most`` of them at most.

    Args:
        whole: whole numbers only.
    """
    if high <= low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def round_decades(low: float, high: float, *, most: int = 7, whole: bool = False) -> list[float]:
    """1, 2 and 5 times powers of ten (powers of two between powers of two), thinned to ``most``."""
    if whole and all(math.log2(end).is_integer() for end in (low, high)):
        return _thinned([2.0**n for n in range(round(math.log2(low)), round(math.log2(high)) + 1)], most)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        inside = [factor * 10.0**power for power in powers for factor in factors]
        inside = [float(f"{value:.0e}") for value in inside if low * 0.999 <= value <= high * 1.001]
        if len(inside) <= most:
            return inside
    return _thinned(inside, most)


def with_ends(values: list[float], low: float, high: float) -> list[float]:
    """Add both ends and take away what stands too close to them (below 8 % of the length)."""
    near = 0.08 * (high - low)
    return [low, *(value for value in values if low + near < value < high - near), high]


def usual_range(finished: Sequence[float], reported: Sequence[float]) -> tuple[float, float]:
    """Both ends of a bpb axis that a few bad values must not squeeze; never empty.

    The top is at most 4 times as far above the lowest value as the upper quartile of the finished trials is.

    Args:
        finished: final bpb; below four of them, ``heard`` decides alone.
        heard: last bpb of all trials, the finished ones included; at least one.
    """
    values = finished if len(finished) > 3 else reported
    low, high = min(reported), max(reported)
    usual = float(np.quantile(values, 0.75, method="lower")) - min(values)
    if usual > 0:
        high = min(high, min(values) + 4 * usual)
    return (low, high) if high - low > 1e-3 else (low - 0.01, high + 0.01)


def _thinned(values: list[float], most: int) -> list[float]:
    return values[:: math.ceil(len(values) / most)]

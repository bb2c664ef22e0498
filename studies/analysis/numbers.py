"""Numbers as people write them."""

import math
from collections.abc import Sequence
from typing import Any


def number_text(value: Any) -> str:
    """A value as people write it: 128, 0.0043, 3e-3, 1e6; what is no number, as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    size = abs(value)
    if size >= 1e5 or size < 1e-3 or (size < 0.01 and float(f"{value:.0e}") == value):
        return _power_text(value)
    return f"{round(value)}" if size >= 100 or value == round(value) else f"{value:.3g}"


def number_texts(values: Sequence[float]) -> list[str]:
    """The marks of one axis; all of those below 0.1 alike, as 2e-2 beside 5e-3."""
    texts = [number_text(value) for value in values]
    if not any("e-" in text for text in texts):
        return texts
    pairs = zip(values, texts, strict=True)
    return [_power_text(value) if 0 < abs(value) < 0.1 else text for value, text in pairs]


def _power_text(value: float) -> str:
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}"

"""Axes of parameters and of bpb: where each trial stands on them, and their ticks in real units."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bardtune.studies.analysis.numbers import number_text, number_texts
from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.plots.ticks import Tick, round_decades, round_steps, usual_range, with_ends
from bardtune.studies.records import Parameter

NOT_SET = "not set"  # a conditional parameter that the trial did not have
Drawn = Sequence[Mapping[str, Any]]  # the values of each trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One upright axis. All positions are in axis units: the value, its log10, or its index."""

    name: str
    positions: tuple[float, ...]  # one for each run that is drawn
    texts: tuple[str, ...]  # the value at each position, for people
    ticks: tuple[Tick, ...]
    low: float
    high: float  # above low

    def height(self, position: float) -> float:
        """0 at the bottom of the axis, 1 at its top."""
        return (position - self.low) / (self.high - self.low)


def parameter_axis(parameter: Parameter, drawn: Drawn) -> Axis:
    """Axis of a parameter, with a place of its own below the range for trials that do not have it."""
    present = [values[parameter.name] for values in drawn if parameter.name in values]
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in present)
    if parameter.choices is not None or not numeric or not present:
        choices = list(parameter.choices or ())
        choices += [value for value in dict.fromkeys(present) if value not in choices]
        return _choice_axis(parameter.name, choices, drawn)
    return _number_axis(parameter, present, drawn)


def _choice_axis(name: str, choices: Sequence[Any], drawn: Drawn) -> Axis:
    places: list[float | None] = [float(choices.index(values[name])) if name in values else None for values in drawn]
    ticks = [(float(index), number_text(choice)) for index, choice in enumerate(choices)]
    return _axis(name, places, _texts(name, drawn), ticks, low=-0.5, high=max(1, len(choices)) - 0.5)


def _number_axis(parameter: Parameter, present: Sequence[float], drawn: Drawn) -> Axis:
    lowest = min([*present, *([parameter.low] if parameter.low is not None else [])])
    highest = max([*present, *([parameter.high] if parameter.high is not None else [])])
    log, whole = parameter.log and lowest > 0, all(isinstance(value, int) for value in present)
    marks = (round_decades if log else round_steps)(lowest, highest, whole=whole)
    low, high = (math.log10(lowest), math.log10(highest)) if log else (float(lowest), float(highest))
    if high <= low:  # one value: in the middle
        low, high, spots = low - 0.5, high + 0.5, [low]
    else:
        spots = with_ends([math.log10(mark) if log else mark for mark in marks], low, high)
    texts = number_texts([_value(spot, log=log, whole=whole) for spot in spots])
    ticks = list(zip(spots, texts, strict=True))
    places = [_place(values.get(parameter.name), log=log) for values in drawn]
    return _axis(parameter.name, places, _texts(parameter.name, drawn), ticks, low=low, high=high)


def _value(spot: float, *, log: bool, whole: bool) -> float:
    value = float(f"{10**spot:.6g}") if log else spot
    return round(value) if whole else value


def _place(value: float | None, *, log: bool) -> float | None:
    return math.log10(value) if log and value is not None else value


def _texts(name: str, drawn: Drawn) -> tuple[str, ...]:
    return tuple(number_text(values.get(name, NOT_SET)) for values in drawn)


def _axis(
    name: str,
    places: Sequence[float | None],
    texts: tuple[str, ...],
    ticks: list[Tick],
    *,
    low: float,
    high: float,
) -> Axis:
    """An axis; if some trial has no place on it, the axis begins with one for "not set"."""
    below = low - 0.14 * (high - low)
    if None in places:
        ticks, low = [(below, NOT_SET), *ticks], below
    positions = tuple(below if place is None else float(place) for place in places)
    return Axis(name=name, positions=positions, texts=texts, ticks=tuple(ticks), low=low, high=high)


def bpb_axis(bpbs: Sequence[float], finished: Sequence[float]) -> Axis:
    """The lowest bpb at the bottom; values far above those of the finished trials share the top."""
    low, top = usual_range(finished, bpbs)
    is_clipped = max(bpbs) > top
    decimals = 2 if top - low > 0.1 else 3
    ticks = [(spot, f"{spot:.{decimals}f}") for spot in with_ends(round_steps(low, top), low, top)]
    if is_clipped:
        ticks[-1] = (top, f"≥ {top:.2f}")
    return Axis(
        name="bpb",
        positions=tuple(min(bpb, top) for bpb in bpbs),
        texts=tuple(bpb_text(bpb) for bpb in bpbs),
        ticks=tuple(ticks),
        low=low,
        high=top,
    )

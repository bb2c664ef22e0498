"""Parallel coordinates as plain data: one axis a parameter, then how the trial ended, then its bpb."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from studies.plots.ticks import Tick, round_decades, round_steps, usual_range, with_ends
from studies.plots.words import Frame, bpb_text, frame_of, hover_lines, number_text, number_texts
from studies.records import Parameter, StudyRecord, TrialRecord

ENDINGS = ("complete", "pruned", "diverged")
NOT_SET = "not set"  # a conditional parameter that the trial did not have


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One upright axis. All positions are in axis units: the value, its log10, or its index."""

    name: str
    positions: tuple[float, ...]  # one for each line
    texts: tuple[str, ...]  # the value at each position, for people
    ticks: tuple[Tick, ...]
    low: float
    high: float  # above low

    def height(self, position: float) -> float:
        """0 at the bottom of the axis, 1 at its top."""
        return (position - self.low) / (self.high - self.low)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One trial."""

    number: int
    bpb: float
    is_pruned: bool  # or diverged: drawn faint, since its bpb is that of a shorter training
    hover: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parallel:
    """Lines through axes; every axis has one position for each line."""

    frame: Frame
    axes: tuple[Axis, ...] = ()  # the parameters in the order of the space, "ended", "bpb"
    lines: tuple[Line, ...] = ()
    best: int | None = None  # index into lines
    colour_low: float = 0.0  # bpb of the strongest colour
    colour_high: float = 1.0  # and of the faintest

    def colour_place(self, line: Line) -> float:
        """0 for the strongest colour to 1 for the faintest."""
        place = (line.bpb - self.colour_low) / (self.colour_high - self.colour_low)
        return min(1.0, max(0.0, place))


def parallel(record: StudyRecord) -> Parallel:
    """View of all search trials that have a bpb."""
    trials = [trial for trial in record.trials if trial.state in ("complete", "pruned") and _has_bpb(trial)]
    if not trials:
        return Parallel(frame=frame_of(record, "parallel", sentence="No trial has reported a bpb yet."))
    bpbs = [float(trial.last_bpb or 0.0) for trial in trials]
    finished = [bpb for bpb, trial in zip(bpbs, trials, strict=True) if trial.val_bpb is not None]
    colour_low, colour_high = np.quantile(finished or bpbs, [0.05, 0.9]).tolist()
    axes = [_parameter_axis(parameter, trials) for parameter in record.parameters]
    numbers = [trial.number for trial in trials]
    return Parallel(
        frame=frame_of(record, "parallel", note=_note(record, trials)),
        axes=(*axes, _ended_axis(trials), _bpb_axis(bpbs, finished)),
        lines=tuple(_line(trial, bpb) for trial, bpb in zip(trials, bpbs, strict=True)),
        best=numbers.index(record.best.number) if record.best else None,
        colour_low=colour_low,
        colour_high=max(colour_high, colour_low + 0.005),
    )


def _has_bpb(trial: TrialRecord) -> bool:
    return trial.last_bpb is not None and math.isfinite(trial.last_bpb)


def _note(record: StudyRecord, trials: Sequence[TrialRecord]) -> str:
    notes = ["No trial has finished yet."] if record.best is None else []
    if any(trial.val_bpb is None for trial in trials):
        notes.append("Faint lines: pruned or diverged, at their last bpb.")
    if left_out := len(record.trials) - len(trials):
        notes.append(f"{left_out} without a bpb left out.")
    return " ".join(notes)


def _line(trial: TrialRecord, bpb: float) -> Line:
    return Line(number=trial.number, bpb=bpb, is_pruned=trial.val_bpb is None, hover=hover_lines(trial))


def _parameter_axis(parameter: Parameter, trials: Sequence[TrialRecord]) -> Axis:
    """Axis of a parameter, with a place of its own below the range for trials that do not have it."""
    present = [trial.params[parameter.name] for trial in trials if parameter.name in trial.params]
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in present)
    if parameter.choices is not None or not numeric or not present:
        choices = list(parameter.choices or ())
        choices += [value for value in dict.fromkeys(present) if value not in choices]
        return _choice_axis(parameter.name, choices, trials)
    return _number_axis(parameter, present, trials)


def _choice_axis(name: str, choices: Sequence[Any], trials: Sequence[TrialRecord]) -> Axis:
    places: list[float | None] = [
        float(choices.index(trial.params[name])) if name in trial.params else None for trial in trials
    ]
    ticks = [(float(index), number_text(choice)) for index, choice in enumerate(choices)]
    return _axis(name, places, _texts(name, trials), ticks, low=-0.5, high=max(1, len(choices)) - 0.5)


def _number_axis(parameter: Parameter, present: Sequence[float], trials: Sequence[TrialRecord]) -> Axis:
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
    places = [_place(trial.params.get(parameter.name), log=log) for trial in trials]
    return _axis(parameter.name, places, _texts(parameter.name, trials), ticks, low=low, high=high)


def _value(spot: float, *, log: bool, whole: bool) -> float:
    value = float(f"{10**spot:.6g}") if log else spot
    return round(value) if whole else value


def _place(value: float | None, *, log: bool) -> float | None:
    return math.log10(value) if log and value is not None else value


def _texts(name: str, trials: Sequence[TrialRecord]) -> tuple[str, ...]:
    return tuple(number_text(trial.params.get(name, NOT_SET)) for trial in trials)


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


def _ended_axis(trials: Sequence[TrialRecord]) -> Axis:
    how = ["diverged" if trial.ending == "diverged" else trial.state for trial in trials]
    seen = [ending for ending in ENDINGS if ending in how]
    places = tuple(float(seen.index(ending)) for ending in how)
    ticks = tuple((float(index), ending) for index, ending in enumerate(seen))
    return Axis(name="ended", positions=places, texts=tuple(how), ticks=ticks, low=-0.5, high=len(seen) - 0.5)


def _bpb_axis(bpbs: Sequence[float], finished: Sequence[float]) -> Axis:
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

"""The words in and around a picture; none of them tells a path or a host."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bardtune.studies.records import StudyRecord, TrialRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What stands around a picture."""

    title: str
    subtitle: str  # corpus, number of trials, budget
    note: str = ""  # how to read the picture
    sentence: str | None = None  # said in place of the picture when there is nothing to draw


_HEADINGS = {
    "importance": "parameter importance",
    "parallel": "parallel coordinates",
    "history": "bpb, trial by trial",
    "curves": "learning curves",
    "slice": "bpb against each parameter",
    "contour": "bpb over the two most important parameters",
    "timeline": "runs by phase",
    "throughput": "training speed and bpb",
}


def frame_of(record: StudyRecord, kind: str, *, note: str = "", sentence: str | None = None) -> Frame:
    """Frame of a picture of ``kind``."""
    num_trials = len(record.search_runs)
    facts = (
        record.corpus_name,
        f"{num_trials} trial{'s' * (num_trials != 1)}",
        f"{record.plan.seconds:g} s each",
    )
    return Frame(title=f"{record.name}: {_HEADINGS[kind]}", subtitle="  ·  ".join(facts), note=note, sentence=sentence)


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


def bpb_text(bpb: float) -> str:
    return f"{bpb:.4f}"


def params_lines(trial: TrialRecord) -> list[str]:
    return [f"{shorten(name, 40)} {shorten(number_text(value), 40)}" for name, value in trial.params.items()]


def ending_text(trial: TrialRecord) -> str:
    """How the trial ended, in two or three words; of a finished script, how far its bpb can be trusted."""
    last = f" at {trial.curve[-1][0]} %" if trial.curve else ""
    if trial.ending in ("finished", None):
        return (trial.ending or trial.state) + (f", {trial.trust}" if trial.trust else "")
    return f"{trial.ending}{last}"


def hover_lines(trial: TrialRecord) -> tuple[str, ...]:
    """Label, bpb and ending, then one line for each parameter."""
    bpb = "no bpb" if trial.last_bpb is None else f"{bpb_text(trial.last_bpb)} bpb"
    busy = ["starved: its machine was busy"] if trial.stats.starved else []
    return (trial.label, f"{bpb}, {ending_text(trial)}", *params_lines(trial), *busy)


def shorten(text: str, length: int) -> str:
    """Cut a long name in its middle."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"

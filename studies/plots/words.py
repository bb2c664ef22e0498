"""The words in a picture; none of them tells a path or a host."""

from bardtune.studies.analysis.numbers import number_text
from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.records import TrialRecord

BPB = "validation bits per byte"  # along an axis with room for it


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

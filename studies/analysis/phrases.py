"""Facts of a study in the words that all who tell them share."""

import math
from collections.abc import Sequence

from bardtune.studies.records import StudyRecord

_WHY = {
    "trials": "all trials made",
    "hours": "its hours are over",
    "settled": "nothing more to gain",
    "target": "its target is reached",
    "user": "by the user",
    "error": "trials kept crashing",
}


def bpb_text(bpb: float | None) -> str:
    """A bpb with four digits; a dash for none, and for what is no number."""
    return f"{bpb:.4f}" if bpb is not None and math.isfinite(bpb) else "-"


def duration_text(seconds: float) -> str:
    """Seconds as 41 s, 6 min 41 s or 2 h 05 min."""
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def counts_text(record: StudyRecord) -> str:
    """How many runs there are and how they ended."""
    counts = record.counts()
    kinds = ("complete", "pruned", "failed", "diverged", "running", "interrupted")
    endings = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind] or kind in kinds[:3])
    return f"{counts['total']} of {counts['planned']} trials ({endings})"


def extended_text(extended_at: Sequence[int]) -> str | None:
    """How often a study was given more, and when; None if it never was."""
    if not extended_at:
        return None
    times = {1: "once", 2: "twice"}.get(len(extended_at), f"{len(extended_at)} times")
    *before, last = map(str, extended_at)
    places = f"{', '.join(before)} and {last}" if before else last
    return f"extended {times} at {places} runs, when its verdict had been seen"


def earlier_text(earlier: Sequence[tuple[str, int, Sequence[str]]]) -> str | None:
    """What a study has learned from before it began.

    Args:
        earlier: of each study before its name, its runs that were learned from, and in what they do not compare.
    """
    if not earlier:
        return None
    parts = []
    for name, runs, differs in earlier:
        taken = f"{runs} run{'s' * (runs != 1)}" if runs else "its winner alone"
        parts.append(f"{name} ({taken}{'; other: ' + ', '.join(differs) if differs else ''})")
    return f"after {' and '.join(parts)}"


def earlier_of(record: StudyRecord) -> list[tuple[str, int, tuple[str, ...]]]:
    """What ``earlier_text`` is told of a study."""
    return [(each.name, len(each.runs), each.differs) for each in record.earlier]


def state_text(record: StudyRecord) -> str:
    """State and, where there is one, why it stopped."""
    why = _WHY.get(record.stop_reason or "")
    return f"{record.state} ({why})" if why else record.state

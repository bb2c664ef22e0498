"""The lowest bpb so far of several studies, run by run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.analysis.versus import Versus
from bardtune.studies.plots.marks import look_of
from bardtune.studies.plots.theme import STUDIES
from bardtune.studies.plots.ticks import usual_range
from bardtune.studies.plots.view import Frame, View
from bardtune.studies.plots.words import shorten
from bardtune.studies.records import StudyRecord

LONGEST_NAME = 28


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One study: the lowest single value so far, and what its winner's fresh runs came to."""

    name: str
    colour: str
    steps: tuple[tuple[int, float], ...]  # (search trials that have ended, lowest bpb); at least one
    mean: float | None  # of the winner's fresh runs
    sd: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BestSoFar(View):
    """Lines of several studies."""

    lines: tuple[Line, ...]  # at least one
    last: int  # the most trials of any
    low: float  # of the bpb axis
    high: float


def best_so_far(found: Versus) -> View:
    """View of the studies' lowest values; a start far above where it ends is cut off at the top."""
    records = found.records
    title = "Best so far: " + ", ".join(shorten(record.name, LONGEST_NAME) for record in records)
    frame = Frame(title=title, subtitle="  ·  ".join(_facts(records)), note=_note(found))
    lines = [
        Line(
            name=record.name,
            colour=STUDIES[place % len(STUDIES)],
            steps=steps,
            mean=verdict.confirmed.mean if verdict.confirmed and math.isfinite(verdict.confirmed.mean) else None,
            sd=verdict.confirmed.sd if verdict.confirmed and math.isfinite(verdict.confirmed.mean) else None,
        )
        for place, (record, verdict) in enumerate(zip(records, found.verdicts, strict=True))
        if (steps := _steps(record))
    ]
    if not lines:
        return View(frame=Frame(title=title, subtitle=frame.subtitle, sentence="No trial of theirs has finished yet."))
    lowest = [bpb for line in lines for _, bpb in line.steps]
    marks = [line.mean for line in lines if line.mean is not None]
    low, high = usual_range(lowest, [*lowest, *marks])
    high = max(high, *(line.steps[-1][1] for line in lines), *marks)
    room = 0.08 * (high - low)
    return BestSoFar(
        frame=frame,
        lines=tuple(lines),
        last=max(line.steps[-1][0] for line in lines),
        low=low - room,
        high=high + room,
    )


def _steps(record: StudyRecord) -> tuple[tuple[int, float], ...]:
    steps: list[tuple[int, float]] = []
    ended = [trial for trial in record.search_runs if look_of(trial) != "open"]
    for place, trial in enumerate(ended, start=1):
        lowest = [bpb for _, bpb in steps[-1:]]
        if trial.val_bpb is not None and math.isfinite(trial.val_bpb):
            lowest.append(trial.val_bpb)
        if lowest:
            steps.append((place, min(lowest)))
    return tuple(steps)


def _facts(records: Sequence[StudyRecord]) -> list[str]:
    texts = dict.fromkeys(record.corpus_name for record in records)
    budgets = dict.fromkeys(f"{record.plan.seconds:g} s" for record in records)
    return [" and ".join(texts), f"{' and '.join(budgets)} a run"]


def _note(found: Versus) -> str:
    words = ["Lines: the lowest single value so far, too good by luck. Diamonds: what the winner's fresh runs came to."]
    for pair in found.pairs:
        better, worse = (pair.one, pair.other) if pair.lower >= 0 else (pair.other, pair.one)
        told = "" if pair.is_told_apart else ", which cannot be told from chance"
        words.append(f"{better} is {bpb_text(abs(pair.lower))} bpb below {worse}{told}.")
    return " ".join([*words, *(f"Beware: {warning}." for warning in found.warnings)])

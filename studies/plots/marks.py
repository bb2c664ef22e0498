"""What several pictures say alike: how a trial looks, the range of bpb, and who has won."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.plots.ticks import usual_range
from bardtune.studies.plots.words import hover_lines
from bardtune.studies.records import StudyRecord, TrialRecord

_EMPTY = 0.3  # of the range of the trials: more empty space than this is not drawn
Side = Literal["left", "center", "right"]
Look = Literal["finished", "pruned", "lost", "open"]  # lost: diverged, crashed, or cut off by the hours; open: not over


@dataclass(frozen=True, kw_only=True, slots=True)
class Dot:
    """One trial as a point."""

    number: int
    bpb: float | None  # None for a trial that was lost
    shown: float  # where it is drawn: its bpb, or the top edge
    look: Look
    hover: tuple[str, ...]
    is_starved: bool = False  # its machine was busy

    @property
    def is_clipped(self) -> bool:
        return self.bpb is not None and self.bpb != self.shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Of the bpb axis, and where what lies above it is drawn."""

    low: float
    high: float  # of what is drawn in its place

    @property
    def edge(self) -> float:
        return self.high + 0.05 * (self.high - self.low)

    @property
    def axis(self) -> tuple[float, float]:
        """Both ends of the axis, with room for marks, and for a label below the lowest."""
        span = self.high - self.low
        return self.low - 0.14 * span, self.edge + 0.04 * span


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineLine:
    """The baseline as a line across the whole picture."""

    bpb: float
    shown: float  # where it is drawn: at its bpb, or at the top edge

    @property
    def name(self) -> str:
        """For legends: a label on the line would hide trials."""
        return f"baseline {bpb_text(self.bpb)}" + (" ↑" if self.shown != self.bpb else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class BestMark:
    """The study's best settings: confirmed by fresh runs, or only the lowest single value."""

    trial: TrialRecord
    raw: TrialRecord  # the search trial with the lowest single value
    bpb: float  # mean of the fresh runs; the one value if there are none
    n: int = 0  # fresh runs
    sd: float | None = None  # between them
    seed_sd: float | None = None  # between seeds; see studies/analysis/verdict.py

    @property
    def word(self) -> str:
        return "winner" if self.n else "best"

    @property
    def noise(self) -> tuple[float, float] | None:
        """Two standard deviations between seeds around the winner's mean."""
        if not self.n or not self.seed_sd:
            return None
        return self.bpb - 2 * self.seed_sd, self.bpb + 2 * self.seed_sd

    @property
    def text(self) -> str:
        """For labels: who, and how good."""
        spread = f" ± {bpb_text(self.sd)}" if self.sd is not None else ""
        runs = f" (n = {self.n})" if self.n else ""
        return f"{self.word}: trial {self.trial.number}, {bpb_text(self.bpb)}{spread}{runs}"

    @property
    def note(self) -> str:
        """What the label rests on."""
        who = f"{self.word.capitalize()}: trial {self.trial.number}, {bpb_text(self.bpb)}"
        if not self.n:
            return f"{who}, the lowest single value, not confirmed with other seeds."
        spread = f" ± {bpb_text(self.sd)}, mean and standard deviation" if self.sd is not None else ", mean"
        words = f"{who}{spread} of {self.n} fresh run{'s' * (self.n != 1)} of its settings."
        if self.raw.number != self.trial.number and self.raw.val_bpb is not None:
            words += f" The lowest single value was trial {self.raw.number}'s, {bpb_text(self.raw.val_bpb)}."
        return words


def best_mark_of(record: StudyRecord) -> BestMark | None:
    """Who has won, or leads; None before any trial has finished."""
    verdict = verdict_of(record)
    if verdict.winner is None or verdict.raw_best is None or verdict.winner.val_bpb is None:
        return None
    if verdict.confirmed is None:
        bpb = verdict.winner.val_bpb
        return BestMark(trial=verdict.winner, raw=verdict.raw_best, bpb=bpb, seed_sd=verdict.seed_sd)
    fresh = verdict.confirmed
    return BestMark(
        trial=verdict.winner,
        raw=verdict.raw_best,
        bpb=fresh.mean,
        n=fresh.n,
        sd=fresh.sd,
        seed_sd=verdict.seed_sd,
    )


def side_of(place: float, *, edge: float) -> Side:
    """Side of a mark from which its label runs inwards, so that it stays inside the picture.

    Args:
        place: of the mark along the axis, from 0 to 1.
        edge: how near to an end is too near for a label in the middle.
    """
    return "left" if place < edge else "right" if place > 1 - edge else "center"


def look_of(trial: TrialRecord) -> Look:
    """How a trial is drawn."""
    if trial.state in ("running", "interrupted"):
        return "open"
    if trial.state == "pruned":
        return "pruned"
    return "finished" if trial.val_bpb is not None and math.isfinite(trial.val_bpb) else "lost"


def range_of(record: StudyRecord, best_mark: BestMark | None) -> Range:
    """Range of bpb that holds the winner and all trials but those far above the others.

    Where there is a baseline, no trial below it is far, and it is held too unless the space up to it is empty.
    """
    finished = [trial.val_bpb for trial in record.search_runs if trial.val_bpb is not None]
    reported = [bpb for trial in record.search_runs if (bpb := trial.last_bpb) is not None and math.isfinite(bpb)]
    baseline = [record.baseline.val_bpb] if record.baseline and record.baseline.val_bpb is not None else []
    marks: list[float] = []
    if best_mark is not None:
        marks = [best_mark.bpb] if best_mark.noise is None else list(best_mark.noise)
    low, high = usual_range(finished, reported or baseline or [8.0])
    low = min([low, *marks, *baseline])
    high = max([high, *marks, *(bpb for bpb in reported if bpb <= max(baseline, default=low))])
    near = high + _EMPTY * (high - low)
    return Range(low=low, high=max([high, *(bpb for bpb in baseline if bpb <= near)]))


def baseline_line_of(record: StudyRecord, bpb_range: Range) -> BaselineLine | None:
    """The baseline on the bpb axis; None before it has finished."""
    if record.baseline is None or record.baseline.val_bpb is None:
        return None
    bpb = record.baseline.val_bpb
    return BaselineLine(bpb=bpb, shown=bpb if bpb <= bpb_range.high else bpb_range.edge)


def dot_of(trial: TrialRecord, bpb_range: Range) -> Dot:
    look = look_of(trial)
    bpb = None if look == "lost" else trial.last_bpb
    return Dot(
        number=trial.number,
        bpb=bpb,
        shown=bpb_range.edge if bpb is None or bpb > bpb_range.high else bpb,
        look=look,
        hover=hover_lines(trial),
        is_starved=bool(trial.stats.starved),
    )


def dots_notes(dots: Sequence[Dot], bpb_range: Range, baseline: BaselineLine | None) -> list[str]:
    """Sentences on what the dots and the baseline's line do not say themselves."""
    notes = []
    if baseline is not None and baseline.shown != baseline.bpb:
        notes.append(f"The baseline, {bpb_text(baseline.bpb)}, is far above: its line is drawn at the top edge.")
    if clipped := sum(dot.is_clipped for dot in dots):
        notes.append(f"{clipped} above {bpb_range.high:.2f} bpb drawn at the top edge (open triangles).")
    if any(dot.look == "pruned" for dot in dots):
        notes.append("Pruned trials stand at their last value, which is that of a shorter training.")
    if starved := sum(dot.is_starved for dot in dots):
        notes.append(f"{starved} starved (squares around them): the machine was busy, so they trained less.")
    return notes

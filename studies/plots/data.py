"""A study as pictures need it: without values that are no numbers, and with what several of them ask, found once."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from bardtune.studies.analysis.importance import DEFAULT_EVALUATOR, Importance, importance
from bardtune.studies.plots.marks import (
    BaselineLine,
    BestMark,
    Dot,
    Range,
    baseline_line_of,
    best_mark_of,
    dot_of,
    look_of,
    range_of,
)
from bardtune.studies.plots.view import Frame, View
from bardtune.studies.records import StudyRecord, TrialRecord


class PlotData:
    """What every view is made of.

    Args:
        record: the study, in any state.
        evaluator: of the importance, by which the contour chooses its parameters too.
    """

    def __init__(self, record: StudyRecord, *, evaluator: str = DEFAULT_EVALUATOR) -> None:
        self.record = _only_finite(record)
        self.evaluator = evaluator

    @cached_property
    def best_mark(self) -> BestMark | None:
        return best_mark_of(self.record)

    @cached_property
    def bpb_range(self) -> Range:
        return range_of(self.record, self.best_mark)

    @cached_property
    def baseline_line(self) -> BaselineLine | None:
        return baseline_line_of(self.record, self.bpb_range)

    @cached_property
    def importance(self) -> Importance:
        return importance(self.record, evaluator=self.evaluator)

    @cached_property
    def scored_trials(self) -> list[TrialRecord]:
        """Those of the search that finished, or were pruned after they had told a bpb."""
        trials = self.record.search_runs
        return [trial for trial in trials if look_of(trial) in ("finished", "pruned") and trial.last_bpb is not None]

    def dots(self, trials: Sequence[TrialRecord]) -> tuple[Dot, ...]:
        return tuple(dot_of(trial, self.bpb_range) for trial in trials)

    def place_of_best(self, trials: Sequence[TrialRecord]) -> int | None:
        """Index of the best trial; None where it is not among them."""
        best = self.best_mark
        return next((n for n, trial in enumerate(trials) if best and trial.number == best.trial.number), None)

    @property
    def best_note(self) -> str:
        """What the mark of the best trial rests on, or why there is none."""
        return self.best_mark.note if self.best_mark else "No trial has finished yet."

    def frame(self, heading: str, notes: Sequence[str] = (), *, sentence: str | None = None) -> Frame:
        """What stands around a picture; it tells neither a path nor a host.

        Args:
            heading: what kind of picture it is.
            notes: sentences on how to read it.
            sentence: said in its place.
        """
        plan, num_trials = self.record.plan, len(self.record.search_runs)
        corpus = self.record.corpus_name
        facts = (corpus, f"{num_trials} trial{'s' * (num_trials != 1)}", f"{plan.seconds:g} s each")
        title = f"{self.record.name}: {heading}"
        return Frame(title=title, subtitle="  ·  ".join(facts), note=" ".join(notes), sentence=sentence)

    def nothing(self, heading: str, sentence: str) -> View:
        """The view of a picture with nothing to draw; the sentence says why."""
        return View(frame=self.frame(heading, sentence=sentence))


def _only_finite(record: StudyRecord) -> StudyRecord:
    """The study without values that are no numbers; a run that ended with one has diverged."""
    return replace(
        record, search_runs=tuple(map(_finite, record.search_runs)), other_runs=tuple(map(_finite, record.other_runs))
    )


def _finite(run: TrialRecord) -> TrialRecord:
    curve = tuple(point for point in run.curve if math.isfinite(point[1]))
    if run.val_bpb is not None and not math.isfinite(run.val_bpb):
        return replace(run, val_bpb=None, ending="diverged", curve=curve)
    return run if curve == run.curve else replace(run, curve=curve)

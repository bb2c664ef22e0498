"""The bpbs of a study, put so that a Gaussian process can learn from them.

Final values are taken as the logarithm of their distance from the best, so that small differences count near it and
runs that went badly wrong do not rule. What is usual is read from all runs, those too that were pruned: their end is
guessed from their curve. (Of finished runs alone, of which pruning makes good ones, it would be far too little.)

A learning curve is compared with those of the finished runs: at each percent of the budget these say how much is still
to be gained from there (their median), and how sure that is (their spread). The square of that spread is the percent's
*clock*: 0 at the end, and the larger the less a bpb says about the end.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from bardtune.studies.earlier import EarlierStudy
from bardtune.studies.records import StudyRecord, TrialRecord

MIN_CURVES = 5  # finished runs that have a bpb at a percent, before anything is read from curves there
FAILED = 2.5  # logarithm of eleven times the usual distance from the best: failed runs count as at least as bad
FINISHED_AT = (40, 70)  # percents of a finished run's curve that are learned from beside its end
GUESSES = 3  # of the ends of pruned runs: each is made on the scale that the one before has led to
LAST_POINTS = 2  # of the curve of a run that has no end
AWAY, FAR_AWAY = 0.03, 0.5  # of an earlier study: equal conditions, and others; below 1; see ``process``
_MAD = 1.4826  # makes the median of absolute deviations a standard deviation


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """From bpb to units of which the runs' ends have mean 0 and variance 1, and back."""

    best: float
    usual: float  # distance of the usual run from the best, in bpb
    middle: float
    spread: float
    failed: float  # units of a run that diverged or crashed

    def units(self, bpbs: np.ndarray) -> np.ndarray:
        found: np.ndarray = (_log_distance(bpbs, self.best, self.usual) - self.middle) / self.spread
        return found

    def bpb(self, units: float) -> float:
        """Of what is expected in ``units``; a diverged run's cannot be told back."""
        return self.best + self.usual * math.expm1(units * self.spread + self.middle)


@dataclass(frozen=True, kw_only=True, slots=True)
class Observations:
    """What there is to learn from: R runs, E runs of earlier studies, M measurements."""

    runs: tuple[TrialRecord, ...]  # (R,)
    params: tuple[dict[str, Any], ...]  # (R + E,) of each run, those of earlier studies last
    scale: Scale
    clock: dict[int, tuple[float, float]]  # percent -> (what is still to be gained, square of its spread), in units
    owner: np.ndarray  # (M,) which run a measurement is of
    time: np.ndarray  # (M,) clock of a measurement
    units: np.ndarray  # (M,) its bpb in units, as if at the end
    study: np.ndarray  # (M,) which study it is of, and how far that is; see ``process``


def observe(record: StudyRecord, runs: Sequence[TrialRecord]) -> Observations | None:
    """Take up what these runs and earlier studies have shown; None as long as no two have finished differently."""
    own = [run.val_bpb for run in runs if run.val_bpb is not None]
    moves = {place: _moved(study, record, runs) for place, study in enumerate(record.earlier)} if own else {}
    before = [
        (run.params, None if run.val_bpb is None else run.val_bpb + moved, place)
        for place, moved in moves.items()
        if moved is not None
        for run in record.earlier[place].runs
    ]
    finals = np.array([*own, *(bpb for _, bpb, _ in before if bpb is not None)], dtype=np.float64)
    if len(finals) < 2 or np.ptp(finals) == 0:
        return None
    finished = [run for run in runs if run.val_bpb is not None]
    others = [
        end + moved for place, moved in moves.items() if moved is not None for end in record.earlier[place].other_ends
    ]
    scale = _scale(finals, np.array([*finals, *others]))
    clock = _clock(finished, scale)
    for _ in range(GUESSES):
        guessed = [end for run in runs if (end := _guessed_end(run, scale, clock)) is not None]
        if guessed:
            scale = _scale(finals, np.array([*finals, *others, *guessed]))
            clock = _clock(finished, scale)
    drawn = {trial.number: trial.params for trial in record.search_runs}
    owner: list[int] = []
    measured: list[tuple[float, float]] = []
    for place, run in enumerate(runs):
        for each in _measurements(run, scale, clock):
            owner.append(place)
            measured.append(each)
    ends = [scale.failed if bpb is None else float(scale.units(np.array([bpb]))[0]) for _, bpb, _ in before]
    time, units = np.array([*measured, *((0.0, end) for end in ends)], dtype=np.float64).T
    return Observations(
        runs=tuple(runs),
        params=(
            *(run.params if run.candidate is None else drawn[run.candidate] for run in runs),
            *(params for params, _, _ in before),
        ),
        scale=scale,
        clock=clock,
        owner=np.array([*owner, *(len(runs) + place for place in range(len(before)))]),
        time=time,
        units=units,
        study=np.array(
            [0.0] * len(owner)
            + [place + 1 + (FAR_AWAY if record.earlier[place].differs else AWAY) for _, _, place in before]
        ),
    )


def _moved(study: EarlierStudy, record: StudyRecord, runs: Sequence[TrialRecord]) -> float | None:
    """What is to be added to the bpb of an earlier study's runs; None as long as it cannot be told.

    Where they do not compare with those of this study, they are moved by what the same settings, the winner's, reach
    more or less here than there.
    """
    if not study.differs:
        return 0.0
    same = {trial.number for trial in record.search_runs if trial.params == study.winner}
    again = [
        run.val_bpb
        for run in runs
        if run.val_bpb is not None and (run.number if run.role == "search" else run.candidate) in same
    ]
    return fmean(again) - study.winner_bpb if again else None


def guessed_ends(record: StudyRecord) -> dict[str, float]:
    """bpb that pruned runs would have reached, by run id; of those of which their curves tell it."""
    seen = observe(record, runs := modelled(record))
    if seen is None:
        return {}
    ends = {run.run_id: _guessed_end(run, seen.scale, seen.clock) for run in runs if run.ending == "pruned"}
    return {run_id: end for run_id, end in ends.items() if end is not None}


def modelled(record: StudyRecord) -> list[TrialRecord]:
    """The runs over the search space, those first that ended first; what still runs comes last.

    A confirmation that crashed is left out: its settings have finished before, so they are not to blame.
    """
    confirmations = [run for run in record.other_runs if run.role == "confirmation" and run.ending != "crashed"]
    runs = (*record.search_runs, *confirmations)
    return sorted(runs, key=lambda run: (run.ended is None, run.ended or run.started, run.role, run.number))


def _log_distance(bpbs: np.ndarray, best: float, usual: float) -> np.ndarray:
    steps: np.ndarray = np.log1p(np.maximum(bpbs - best, -0.9 * usual) / usual)
    return steps


def _scale(finals: np.ndarray, ends: np.ndarray) -> Scale:
    """A scale whose best is that of ``finals``, in units of ``ends``, of which none counts as better."""
    best = float(finals.min())
    ends = np.maximum(ends, best)
    usual = float(np.median(ends - best)) or float(np.mean(ends - best))
    distances = _log_distance(ends, best, usual)
    middle, spread = float(distances.mean()), float(distances.std())
    failed = (max(FAILED, float(distances.max())) - middle) / spread
    return Scale(best=best, usual=usual, middle=middle, spread=spread, failed=failed)


def _clock(finished: Sequence[TrialRecord], scale: Scale) -> dict[int, tuple[float, float]]:
    gains: dict[int, list[float]] = {}
    for run in finished:
        percents = [percent for percent, _ in run.curve if percent < 100]
        bpbs = np.array([bpb for percent, bpb in run.curve if percent < 100] + [run.val_bpb], dtype=np.float64)
        *on_the_way, end = scale.units(bpbs).tolist()
        for percent, units in zip(percents, on_the_way, strict=True):
            gains.setdefault(percent, []).append(units - end)
    clock: dict[int, tuple[float, float]] = {}
    largest = 1e-4
    for percent in sorted(gains, reverse=True):
        found = np.array(gains[percent])
        if len(found) >= MIN_CURVES:
            middle = float(np.median(found))
            largest = max(largest, (_MAD * float(np.median(np.abs(found - middle)))) ** 2)
            clock[percent] = (middle, largest)
    return clock


def _measurements(run: TrialRecord, scale: Scale, clock: dict[int, tuple[float, float]]) -> list[tuple[float, float]]:
    """(clock, units) of what is learned from a run."""
    if run.ending in ("diverged", "crashed"):
        return [(0.0, scale.failed)]
    curve = [(percent, bpb) for percent, bpb in run.curve if percent in clock]
    if run.val_bpb is not None:
        chosen = [min(curve, key=lambda point: abs(point[0] - at)) for at in FINISHED_AT] if curve else []
        found = [_as_if_at_the_end(*point, scale, clock) for point in dict.fromkeys(chosen)]
        return [*found, (0.0, float(scale.units(np.array([run.val_bpb]))[0]))]
    return [_as_if_at_the_end(*point, scale, clock) for point in curve[-LAST_POINTS:]]


def _guessed_end(run: TrialRecord, scale: Scale, clock: dict[int, tuple[float, float]]) -> float | None:
    """bpb that a run without an end would have reached, at least the best; None where its curve says nothing."""
    if run.val_bpb is not None or run.ending in ("diverged", "crashed"):
        return None
    measured = _measurements(run, scale, clock)
    return max(scale.best, scale.bpb(measured[-1][1])) if measured else None


def _as_if_at_the_end(
    percent: int, bpb: float, scale: Scale, clock: dict[int, tuple[float, float]]
) -> tuple[float, float]:
    gain, uncertainty = clock[percent]
    return uncertainty, float(scale.units(np.array([bpb]))[0]) - gain

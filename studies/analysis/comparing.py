"""Trials that went different ways along their budgets, on one scale."""

import math
import statistics
from collections.abc import Sequence

from bardtune.studies.records import TrialRecord


def has_bpb(trial: TrialRecord) -> bool:
    """Whether the trial is over and has said a bpb that is a number."""
    bpb = trial.last_bpb
    return trial.state in ("complete", "pruned") and bpb is not None and math.isfinite(bpb)


def comparable_bpbs(trials: Sequence[TrialRecord]) -> list[float]:
    """One bpb for each trial, all as if at the end of the budget.

    A finished trial has its final bpb. A pruned one is compared where it was last heard together with finished ones:
    its bpb at that percent, less what those still gained from there (their median). A diverged trial counts as no
    better than the worst.

    Args:
        trials: search trials that have a bpb.
    """
    finished = [(dict(trial.curve), trial.val_bpb) for trial in trials if trial.val_bpb is not None]
    bpbs = [trial.val_bpb if trial.val_bpb is not None else _carried_on(trial, finished) for trial in trials]
    worst = max(bpbs, default=0.0)
    return [worst if trial.ending == "diverged" else bpb for trial, bpb in zip(trials, bpbs, strict=True)]


def _carried_on(trial: TrialRecord, finished: Sequence[tuple[dict[int, float], float]]) -> float:
    for percent, bpb in reversed(trial.curve):
        gains = [curve[percent] - final for curve, final in finished if math.isfinite(curve.get(percent, math.nan))]
        if gains:
            return bpb - statistics.median(gains)
    return trial.curve[-1][1]  # nothing in common with any finished trial

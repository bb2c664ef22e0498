"""A make-believe study of 50 runs as a real one would be: baselines, search, pruning, confirmation, starvation."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from bardtune.studies.records import StudyRecord, TrialRecord
from support.known_truth import known_study
from support.study_records import BEGAN, make_trial

BASELINE = {
    "d_model": 80, "n_layers": 3, "d_ff": 256, "batch_size": 8,
    "learning_rate": 3e-3, "rope_theta": 100.0, "history_depth": 3,
}  # fmt: skip


def whole_study(*, seed: int = 3, sampler: str = "tpe") -> StudyRecord:
    """42 search trials, two baselines, six confirmation runs of three candidates."""
    rng = np.random.default_rng(seed)
    record = known_study(42, seed=seed, sampler=sampler)
    trials = [_odd(trial) for trial in record.search_runs]
    leaders = sorted((t for t in trials if t.val_bpb is not None), key=lambda t: t.val_bpb or 0.0)[:3]
    others = [make_trial(n, 2.41 + 0.01 * n, role="baseline", params={}, settings=BASELINE) for n in range(2)]
    for seed_number in range(2):
        for place, leader in enumerate(leaders):
            bpb = (leader.val_bpb or 0.0) + (0.03, 0.004, 0.02)[place] + float(rng.normal(0, 0.006))
            number = 2 + 3 * seed_number + place
            others.append(make_trial(number, bpb, role="confirmation", candidate=leader.number, params={}))
    clock = _Clock(rng)
    baselines, trials, fresh = ([clock.timed(run) for run in runs] for runs in (others[:2], trials, others[2:]))
    return replace(record, search_runs=tuple(trials), other_runs=(*baselines, *fresh), seconds_used=9_200.0)


def _odd(trial: TrialRecord) -> TrialRecord:
    """One diverged, one crashed, two starved."""
    if trial.number == 11:
        return replace(trial, state="complete", ending="diverged", val_bpb=None, curve=((10, 7.9),))
    if trial.number == 23:
        return replace(trial, state="failed", ending="crashed", val_bpb=None, curve=())
    return trial


class _Clock:
    """Gives runs their times, one after the other, with a night's pause before trial 20."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.now_s = 0.0

    def timed(self, run: TrialRecord) -> TrialRecord:
        self.now_s += 3.0 + (30_000.0 if (run.role, run.number) == ("search", 20) else 0.0)
        percent = 100 if run.val_bpb is not None else run.curve[-1][0] if run.curve else 4
        width, layers = run.params.get("d_model", 80), run.params.get("n_layers", 3)
        stats: dict[str, Any] = {
            "bytes_per_s": round(6e7 / (width * layers) ** 0.9 * float(self.rng.uniform(0.95, 1.05))),
            "seconds": {
                "setup": float(self.rng.uniform(1, 3)),
                "train": 1.8 * percent,
                "evaluate": 0.12 * percent + (6.0 if percent == 100 else 0.0),
                "checkpoint": 0.01 * percent,
            },
            "starved": run.role == "search" and run.number in (7, 30),
            "host": "secret-host",
        }
        began = self.now_s
        self.now_s += sum(stats["seconds"].values())
        span = (BEGAN + timedelta(seconds=began), BEGAN + timedelta(seconds=self.now_s))
        return replace(run, stats=replace(run.stats, **stats), started=span[0], ended=span[1])

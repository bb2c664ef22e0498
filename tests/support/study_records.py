"""Make-believe studies for tests: seeded, with a planted effect, no database."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bardtune.model.training.stats import RunStats, stats_from
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import Parameter, StudyRecord, TrialRecord

PARAMETERS = (
    Parameter(name="d_model", low=32.0, high=192.0),
    Parameter(name="n_layers", low=1.0, high=6.0),
    Parameter(name="d_ff", low=64.0, high=768.0, log=True),
    Parameter(name="batch_size", choices=(4, 8, 16, 32)),
    Parameter(name="learning_rate", low=5e-4, high=2e-2, log=True),
    Parameter(name="rope_theta", low=10.0, high=10_000.0, log=True),
    Parameter(name="history_depth", low=0.0, high=5.0),
)
FRACTIONS = ("learning_rate", "rope_theta")  # the others are whole numbers
BEGAN = datetime(2026, 11, 22, 12, tzinfo=UTC)
STORAGE = "sqlite:////home/somebody/secret/bardtune.db"


def sample(parameter: Parameter, rng: np.random.Generator) -> Any:
    """A value of one parameter, uniform on its scale."""
    if parameter.choices is not None:
        return parameter.choices[int(rng.integers(len(parameter.choices)))]
    assert parameter.low is not None
    assert parameter.high is not None
    low, high = (math.log(b) if parameter.log else b for b in (parameter.low, parameter.high))
    value = float(rng.uniform(low, high))
    value = math.exp(value) if parameter.log else value
    return value if parameter.name in FRACTIONS else round(value)


def planted_bpb(params: dict[str, Any], rng: np.random.Generator) -> float:
    """learning_rate decides, best at 4e-3; the rest is a little noise."""
    off = abs(math.log10(params.get("learning_rate", 4e-3) / 4e-3))
    return float(2.21 + 0.6 * off**1.5 + rng.normal(0, 0.01))


def curve_to(bpb: float, percent: int = 100) -> tuple[tuple[int, float], ...]:
    """A learning curve that ends near ``bpb`` at 100 %, heard up to ``percent``."""
    return tuple((p, bpb + 1.6 * math.exp(-p / 14)) for p in range(5, percent + 1, 5))


def make_trial(number: int, bpb: float | None = 2.3, *, ended: str = "finished", **changes: Any) -> TrialRecord:
    """One search trial; ``ended`` is finished, pruned, diverged, crashed, running or interrupted.

    ``changes`` are fields of the record; ``stats`` may be as they are stored.
    """
    states = {"finished": "complete", "pruned": "pruned", "diverged": "complete", "crashed": "failed"}
    curve = () if bpb is None else curve_to(bpb, 100 if ended == "finished" else 30)
    trial = TrialRecord(
        number=number,
        role="search",
        state=states.get(ended, ended),  # type: ignore[arg-type]
        ending=None if ended == "running" else ended,
        reason=None,
        val_bpb=bpb if ended == "finished" else None,
        curve=curve,
        params={"learning_rate": 0.003},
        settings={"learning_rate": 0.003},
        stats=RunStats(
            host="secret-host",
            num_params=200_000 + 9_000 * (number % 7),
            bytes_per_s=150_000 + 7_000 * (number % 9),
            seconds={"setup": 2.0, "train": 180.0 if ended == "finished" else 54.0, "evaluate": 6.0},
        ),
        started=BEGAN + timedelta(seconds=200 * number),
        ended=BEGAN + timedelta(seconds=200 * number + 190),
    )
    if isinstance(stats := changes.get("stats"), dict):
        changes["stats"] = stats_from(stats)
    return replace(trial, **changes)


def make_record(*trials: TrialRecord, baseline_bpb: float | None = None, **changes: Any) -> StudyRecord:
    """A study of these trials; ``changes`` are fields of the record."""
    runs: tuple[TrialRecord, ...] = ()
    if baseline_bpb is not None:
        runs = (make_trial(0, baseline_bpb, role="baseline", params={}),)
    known = {name for trial in trials for name in trial.params}
    record = StudyRecord(
        name="first-folio",
        plan=StudyPlan(),
        state="finished",
        stop_reason="trials",
        seconds_used=9_000.0,
        corpus={"name": "/home/somebody/secret/plays", "bytes": 5_318_858, "sha256": "0" * 64},
        parameters=tuple(parameter for parameter in PARAMETERS if parameter.name in known),
        search_runs=trials,
        other_runs=runs,
        storage=STORAGE,
    )
    return replace(record, **changes)


def planted_record(num_trials: int = 30, *, seed: int = 0, baseline_bpb: float | None = 2.277) -> StudyRecord:
    """A study in which learning_rate decides the bpb; the worse trials were pruned, one in 15 diverged."""
    rng = np.random.default_rng(seed)
    trials = []
    for number in range(num_trials):
        params = {parameter.name: sample(parameter, rng) for parameter in PARAMETERS}
        bpb = planted_bpb(params, rng)
        ended = "pruned" if bpb > 2.36 and number > 3 else "finished"
        if number % 15 == 11:
            trials.append(make_trial(number, None, ended="diverged", params=params))
        else:
            trials.append(make_trial(number, bpb, ended=ended, params=params))
    return make_record(*trials, baseline_bpb=baseline_bpb)

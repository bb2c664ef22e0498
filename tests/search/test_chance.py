"""The pruner that stops what has hardly a chance."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bardtune.search.launch.protocol import Measured
from bardtune.search.sampling.pruners import chance
from bardtune.search.sampling.pruners.chance import ChancePruner
from bardtune.search.sampling.so_far import StudySoFar
from bardtune.studies.surrogate.maker import SurrogateMaker
from support.curves import curve, study_with_curves, worth
from support.searched import SPACE

GOOD, BAD = {"learning_rate": 4e-3, "batch_size": 16}, {"learning_rate": 1e-4, "batch_size": 2}
NEAR = {"learning_rate": 1e-3, "batch_size": 8}  # it is seen soon that these are not the best
SLOW = {"learning_rate": 4e-3, "batch_size": 24}  # at 30 % it is behind most trials that end behind it


@dataclass
class Run:
    """As much of an open run as a pruner looks at."""

    params: dict[str, Any]
    run_id: str = "search-0030"
    curve: list[tuple[int, float]] = field(default_factory=list)

    @property
    def optuna_trial(self) -> "Run":
        return self


def followed(params: dict[str, Any], *, steps: int = 1_000, pressed: bool = False, trials: int = 30) -> tuple[int, str]:
    """Percent and reason at which a run of these settings is stopped; (100, "") for none."""
    record = study_with_curves(trials)
    so_far = StudySoFar(
        space=SPACE, record=lambda: record, surrogates=SurrogateMaker(SPACE.parameters), is_pressed=lambda: pressed
    )
    pruner, run = ChancePruner(so_far), Run(params)
    pruner.begin(run)  # type: ignore[arg-type]
    for percent, bpb in curve(params, worth(params), until=90):
        run.curve.append((percent, bpb))
        event = Measured(
            run_id=run.run_id, percent=percent, step=steps * percent // 100, elapsed_s=1.0, val_bpb=bpb, final=False
        )
        reason = pruner.reason_to_stop(run, event)  # type: ignore[arg-type]
        if reason is not None:
            return percent, reason
    return 100, ""


def test_a_hopeless_run_is_stopped_with_its_chance_and_a_good_one_never() -> None:
    percent, reason = followed(BAD)
    assert 10 + chance.WARM_PERCENT <= percent < 100
    assert reason.startswith("less than 1 % chance to beat 1.")
    assert followed(GOOD) == (100, "")


def test_a_slow_starter_is_not_stopped() -> None:
    assert followed(SLOW) == (100, "")


def test_what_will_end_near_the_best_is_stopped_only_when_the_hours_are_short() -> None:
    assert followed(NEAR) == (100, "")
    percent, reason = followed(NEAR, pressed=True)
    assert percent < 100
    assert "chance to beat 1." in reason


def test_nothing_is_stopped_that_has_made_few_steps() -> None:
    assert followed(BAD, steps=chance.WARM_STEPS - 1) == (100, "")


def test_nothing_is_stopped_before_there_is_something_to_learn_from() -> None:
    assert followed(BAD, trials=3) == (100, "")


def test_more_is_stopped_when_the_hours_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chance, "LEAST_CHANCE", 0.0)
    assert followed(BAD) == (100, "")
    assert followed(BAD, pressed=True)[0] < 100

"""What each parameter is worth by itself, drawn from the process of a study."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from bardtune.studies.analysis.importance import importance
from bardtune.studies.records import Parameter
from bardtune.studies.surrogate.effects import main_effects
from bardtune.studies.surrogate.maker import SurrogateMaker
from bardtune.studies.surrogate.surrogate import Surrogate
from support.study_records import make_record, make_trial, planted_record

NAMES = [parameter.name for parameter in planted_record(30).parameters]


@cache
def planted() -> Surrogate:
    surrogate = SurrogateMaker().make(planted_record(30))
    assert surrogate is not None
    return surrogate


def effects(**named: int) -> np.ndarray:
    return main_effects(planted(), NAMES, **{"draws": 200, "seed": 1, **named})


def test_draws_are_variances_and_the_same_each_time() -> None:
    found = effects()
    assert found.shape == (200, len(NAMES))
    assert (found >= 0).all()
    again = SurrogateMaker().make(planted_record(30))
    assert again is not None
    assert np.array_equal(found, main_effects(again, NAMES, draws=200, seed=1))
    assert not np.array_equal(found, effects(seed=2))


def test_the_mean_effect_is_what_the_process_expects_over_the_range() -> None:
    surrogate = planted()
    rate = next(parameter for parameter in surrogate.parameters if parameter.name == "learning_rate")
    assert rate.low is not None and rate.high is not None
    found = effects()[:, NAMES.index("learning_rate")].mean()
    rng, parameters = np.random.default_rng(0), surrogate.parameters
    others = [{each.name: _drawn(each, rng.uniform()) for each in parameters} for _ in range(60)]
    means = []
    for place in (np.arange(8) + 0.5) / 8:
        drawn = [{**each, "learning_rate": _drawn(rate, place)} for each in others]
        means.append(surrogate.worth(drawn)[0].mean())
    assert found == pytest.approx(float(np.var(means)), rel=0.35)


def _drawn(parameter: Parameter, side: float) -> Any:
    if parameter.choices is not None:
        return parameter.choices[int(side * len(parameter.choices))]
    low, high = parameter.low, parameter.high
    assert low is not None and high is not None
    return float(low * (high / low) ** side) if parameter.log else float(low + side * (high - low))


def test_a_choice_and_a_parameter_under_a_condition_have_effects() -> None:
    parameters = (
        Parameter(name="position", choices=("rope", "alibi", "learned")),
        Parameter(name="rope_theta", low=1.0, high=100.0, log=True, conditional=True),
        Parameter(name="d_ff", low=1.0, high=9.0),
    )
    chance = np.random.default_rng(3)
    trials = []
    for number in range(30):
        params = {"position": ("rope", "alibi", "learned")[number % 3], "d_ff": float(chance.uniform(1, 9))}
        if params["position"] == "rope":
            params["rope_theta"] = float(10 ** chance.uniform(0, 2))
        bpb = 2.0 + {"rope": 0.0, "alibi": 0.3, "learned": 0.6}[str(params["position"])] + 0.01 * chance.normal()
        trials.append(make_trial(number, bpb, params=params))
    found = importance(make_record(*trials, parameters=parameters), evaluator="surrogate")
    shares = {share.name: share for share in found.shares}
    assert set(shares) == {"position", "rope_theta", "d_ff"}
    assert shares["position"].low > max(shares["rope_theta"].high, shares["d_ff"].high)
    assert found.partly == ("rope_theta",)


def test_where_nothing_differs_there_are_no_shares() -> None:
    found = importance(make_record(*(make_trial(number, 2.0) for number in range(25))), evaluator="surrogate")
    assert found.shares == ()
    assert found.reason is not None

"""Parameters as places between 0 and 1."""

import numpy as np
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from bardtune.search.sampling.unit_cube import params_at, side_of, sides_of, value_at
from support.searched import CONDITIONAL

KINDS = [
    IntDistribution(32, 256, step=32),
    IntDistribution(1, 6),
    IntDistribution(2, 32, log=True),
    IntDistribution(1, 1),
    FloatDistribution(1e-4, 1e-1, log=True),
    FloatDistribution(0.0, 1.0, step=0.25),
    FloatDistribution(-2.0, 3.0),
    CategoricalDistribution(("rope", "alibi", True, 4)),
]


@pytest.mark.parametrize("distribution", KINDS, ids=str)
def test_every_place_has_a_value_that_can_be_drawn_and_leads_back_to_it(distribution: BaseDistribution) -> None:
    for side in np.linspace(0, 1, 41):
        value = value_at(distribution, float(side))
        assert distribution._contains(distribution.to_internal_repr(value))
        assert value_at(distribution, side_of(distribution, value)) == pytest.approx(value)


def test_every_value_of_a_grid_has_an_equal_part() -> None:
    drawn = [value_at(IntDistribution(32, 256, step=32), side) for side in np.linspace(0.001, 0.999, 800)]
    assert {drawn.count(value) for value in range(32, 257, 32)} <= {99, 100, 101}


def test_what_is_not_set_lies_in_the_middle() -> None:
    assert side_of(FloatDistribution(0, 1), None) == 0.5


def test_a_parameter_whose_condition_is_not_met_is_left_out() -> None:
    assert set(params_at(CONDITIONAL, np.array([0.1, 0.5, 0.5]))) == {"position", "rope_theta", "d_model"}
    assert set(params_at(CONDITIONAL, np.array([0.9, 0.5, 0.5]))) == {"position", "d_model"}
    assert sides_of(CONDITIONAL, {"position": "alibi"}).tolist() == [0.75, 0.5, 0.5]


@pytest.mark.parametrize(("outside", "inside"), [(-0.2, 0.2), (1.3, 0.7), (2.1, 0.1)])
def test_what_lies_outside_is_folded_back(outside: float, inside: float) -> None:
    folded, plain = (params_at(CONDITIONAL, np.array([0.1, side, 0.5]))["rope_theta"] for side in (outside, inside))
    assert folded == pytest.approx(plain)

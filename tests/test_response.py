"""Curves through bpb: their shares are those of the truth, wherever the trials lie."""

from typing import Any

import numpy as np
import pytest

from studies.records import Parameter
from studies.response import basis, explained, in_usual_steps

RATE = Parameter(name="rate", low=1e-4, high=1e-2, log=True)
WIDTH = Parameter(name="width", low=0.0, high=10.0)
NORM = Parameter(name="norm", choices=("a", "b", "c"))


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (RATE, list(np.logspace(-4, -2, 4001))),
        (WIDTH, list(np.linspace(0, 10, 4001))),
        (NORM, ["a", "b", "c"]),
        (Parameter(name="odd", low=1.0, high=1.0), ["x", "y", True]),
    ],
)
def test_a_parameter_drawn_evenly_makes_functions_of_mean_0_and_variance_1(
    parameter: Parameter, values: list[Any]
) -> None:
    functions = basis(parameter, values)
    assert functions.mean(axis=0) == pytest.approx(0, abs=2e-3)
    assert functions.T @ functions / len(values) == pytest.approx(np.eye(functions.shape[1]), abs=5e-3)


def test_trials_without_a_parameter_stand_in_the_middle_of_its_curve() -> None:
    assert basis(WIDTH, [None, 10.0, None])[[0, 2]].tolist() == [[0, 0], [0, 0]]
    assert basis(NORM, [None, "b"])[0].tolist() == [0, 0]


@pytest.mark.parametrize("crowded", [False, True])
def test_shares_are_those_over_the_whole_range_even_of_crowded_trials(crowded: bool) -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(-1, 1, size=(60, 2))
    if crowded:  # all but ten within a tenth of the range of the first
        places[10:, 0] = rng.uniform(-0.1, 0.1, size=50)
    heights = 3 * places[:, 0] + 1 * places[:, 1] + rng.normal(0, 0.01, size=60)
    bases = [basis(Parameter(name=name, low=-1.0, high=1.0), places[:, n].tolist()) for n, name in enumerate("xy")]
    found = explained(bases, heights)
    assert found / found.sum() == pytest.approx([0.9, 0.1], abs=0.02)


def test_a_run_that_went_badly_wrong_does_not_rule() -> None:
    steps = in_usual_steps(np.array([2.0, 2.1, 2.2, 2.3, 90.0]))
    assert steps[:3] == pytest.approx(np.log([1, 1.5, 2]))
    assert steps[4] < 7
    assert in_usual_steps(np.array([2.0, 2.0])).tolist() == [0, 0]

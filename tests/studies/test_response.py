"""Curves through bpb: their shares are those of the truth, wherever the trials lie."""

from typing import Any

import numpy as np
import pytest

from bardtune.studies.analysis.response import basis, explained, log_regret, unexplained
from bardtune.studies.records import Parameter

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
    bpbs = 3 * places[:, 0] + 1 * places[:, 1] + rng.normal(0, 0.01, size=60)
    bases = [basis(Parameter(name=name, low=-1.0, high=1.0), places[:, n].tolist()) for n, name in enumerate("xy")]
    found = explained(bases, bpbs)
    assert found / found.sum() == pytest.approx([0.9, 0.1], abs=0.02)


def places_and_bases(num_trials: int, names: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Trials drawn evenly from parameters between -1 and 1."""
    places = np.random.default_rng(1).uniform(-1, 1, size=(num_trials, len(names)))
    bases = [basis(Parameter(name=name, low=-1.0, high=1.0), places[:, n].tolist()) for n, name in enumerate(names)]
    return places, bases


def test_what_does_not_matter_is_left_next_to_nothing_and_the_noise_is_found() -> None:
    places, bases = places_and_bases(50, "abcdefg")
    bpbs = 3 * places[:, 0] + np.random.default_rng(2).normal(0, 0.5, size=50)
    found = explained(bases, bpbs)
    assert found[0] == pytest.approx(3, rel=0.2)  # 3 squared times the variance of an even draw, a third
    assert found[1:].sum() < 0.02 * found[0]
    assert unexplained(bases, bpbs) == pytest.approx(0.25, rel=0.5)


@pytest.mark.parametrize(("num_trials", "names"), [(20, "a"), (3, "abcdefg"), (12, "abcdefg")])
def test_one_parameter_or_more_functions_than_trials_give_finite_variances(num_trials: int, names: str) -> None:
    places, bases = places_and_bases(num_trials, names)
    for noise in (None, 0.0, 1e-3, 1e3):
        found = explained(bases, places[:, 0], noise=noise, rng=np.random.default_rng(0))
        assert np.isfinite(found).all()
        assert (found >= 0).all()


def test_bpb_that_does_not_vary_is_explained_by_nothing() -> None:
    _, bases = places_and_bases(20, "ab")
    assert explained(bases, np.full(20, 1.8), rng=np.random.default_rng(0)).tolist() == [0, 0]
    assert unexplained(bases, np.full(20, 1.8)) == 0


def test_a_parameter_that_does_not_vary_in_these_trials_explains_nothing_of_them() -> None:
    places, bases = places_and_bases(50, "ab")
    bases.append(basis(NORM, ["b"] * 50))
    found = explained(bases, places[:, 0], noise=0.01, rng=np.random.default_rng(0))
    assert found[2] == 0
    assert found[0] > 0.9 * found.sum()


def test_drawn_curves_differ_the_more_the_noise() -> None:
    places, bases = places_and_bases(30, "ab")
    rng = np.random.default_rng(0)
    little, much = (
        np.std([explained(bases, places[:, 0], noise=noise, rng=rng)[0] for _ in range(50)]) for noise in (1e-3, 1e-1)
    )
    assert 0 < 3 * little < much


def test_a_run_that_went_badly_wrong_does_not_rule() -> None:
    steps = log_regret(np.array([2.0, 2.1, 2.2, 2.3, 90.0]))
    assert steps[:3] == pytest.approx(np.log([1, 1.5, 2]))
    assert steps[4] < 7
    assert log_regret(np.array([2.0, 2.0])).tolist() == [0, 0]

"""What might be tried next."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bardtune.search.sampling.curvegp.candidates import candidates, search, start_point
from bardtune.search.sampling.space import SearchSpace, space_from
from bardtune.search.sampling.space_file import load_space
from bardtune.search.sampling.unit_cube import sides_of
from support.searched import CONDITIONAL

LEADER = {"position": "alibi", "d_model": 128}


@pytest.mark.parametrize("space", [CONDITIONAL, load_space("seven"), load_space("wide")], ids=["odd", "seven", "wide"])
def test_each_can_be_drawn_and_is_there_once(space: SearchSpace) -> None:
    found = candidates(space, [space.best_known], rng=np.random.default_rng(0), count=400)
    assert len({str(params) for params in found}) == len(found) > 50
    for params in found:
        values = {**space.fixed, **params}
        for dimension in space.dimensions:
            assert (dimension.name in params) == dimension.applies(values)
            if dimension.name in params:
                distribution = dimension.distribution
                assert distribution._contains(distribution.to_internal_repr(params[dimension.name]))


def test_some_are_near_a_leader_and_some_anywhere() -> None:
    space = load_space("seven")
    leader = {**space.best_known, "d_model": 256, "batch_size": 32}
    found = candidates(space, [leader], rng=np.random.default_rng(0))
    away = np.array([np.abs(sides_of(space, params) - sides_of(space, leader)).max() for params in found])
    assert (away < 0.3).mean() > 0.1
    assert (away > 0.7).mean() > 0.1


def test_the_search_ends_nearer_to_what_is_judged_best_than_any_candidate() -> None:
    space = load_space("seven")
    goal = np.full(len(space.dimensions), 0.6)

    def judge(drawn: Sequence[dict[str, Any]]) -> np.ndarray:
        return np.array([-np.abs(sides_of(space, params) - goal).sum() for params in drawn])

    pool = candidates(space, [space.best_known], rng=np.random.default_rng(0))
    found = search(space, [space.best_known], judge, tried=[], rng=np.random.default_rng(0))
    assert judge([found])[0] > judge(pool).max()
    again = search(space, [space.best_known], judge, tried=[found], rng=np.random.default_rng(0))
    assert again != found


def test_in_a_space_of_which_all_has_been_tried_something_is_tried_again() -> None:
    positions = {"type": "categorical", "choices": ["rope", "alibi"]}
    space = space_from({"preset": "reference", "parameters": {"position": positions}})
    both = [{"position": "rope"}, {"position": "alibi"}]

    def judge(drawn: Sequence[dict[str, Any]]) -> np.ndarray:
        return np.array([float(params["position"] == "rope") for params in drawn])

    for tried, found in ((both[:1], both[1]), (both, both[0])):
        assert search(space, both, judge, tried=tried, rng=np.random.default_rng(0)) == found


def test_equal_seeds_make_equal_candidates() -> None:
    one, same, other = (candidates(CONDITIONAL, [LEADER], rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_start_points_are_around_the_best_known_point_and_every_third_is_from_anywhere() -> None:
    space = load_space("seven")
    centre = sides_of(space, space.best_known)
    away = [
        [np.abs(sides_of(space, start_point(space, number, seed=seed)) - centre).mean() for seed in range(40)]
        for number in (1, 2, 3, 4)
    ]
    near_one, near_two, anywhere, near_three = (float(np.mean(each)) for each in away)
    assert max(near_one, near_two, near_three) < anywhere
    assert start_point(space, 2, seed=1) == start_point(space, 2, seed=1) != start_point(space, 2, seed=2)

"""The benchmark of who tells better which parameters matter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bardtune.search.sampling.unit_cube import sides_of
from benchmarks.search.importance import compare, main, main_effects
from support.searched import SPACE
from support.worlds import world_lines, write_world


def test_main_effects_are_the_shares_of_the_variance_that_each_parameter_makes() -> None:
    def worth(drawn: Sequence[dict[str, Any]]) -> np.ndarray:
        return np.array([3 * rate + size for rate, size in (sides_of(SPACE, params) for params in drawn)])

    shares = main_effects(SPACE, worth)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["learning_rate"] == pytest.approx(0.9, abs=0.02)  # 9 of 10; sizes are whole numbers


def test_an_estimate_is_off_by_the_mean_of_its_errors_and_right_where_its_first_is() -> None:
    truth = {"a": 0.7, "b": 0.3}
    found = [{"truth": truth, "told": {"a": 0.6, "b": 0.4}}, {"truth": truth, "told": {"b": 1.0}}]
    errors, firsts = compare(found, "told")
    assert errors.tolist() == pytest.approx([0.1, 0.7])
    assert firsts.tolist() == [True, False]


@pytest.mark.long
def test_both_estimates_are_compared_in_each_world_and_family(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_world(tmp_path / "w", world_lines())
    assert main([str(folder), "--studies", "2", "--trials", "28"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["w, gp", "w, trees"]
    assert all("regression off by 0." in line and "surrogate off by 0." in line for line in lines)


@pytest.mark.parametrize("wrong", [["--studies", "1"], ["--trials", "51"], ["--trials", "20"]])
def test_wrong_options_are_refused_in_a_sentence(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_world(tmp_path / "w", world_lines())
    assert main([str(folder), *wrong]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

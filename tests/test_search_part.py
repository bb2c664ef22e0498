"""The whole space of a world against a part of it."""

from pathlib import Path

import pytest

from benchmarks.search.part import PartOfTruth, main
from benchmarks.search.truth import Truth
from benchmarks.search.world import read_world
from support.worlds import world_lines, write_world


def test_what_is_not_searched_stays_at_the_best_known_point(tmp_path: Path) -> None:
    whole = Truth(read_world(write_world(tmp_path / "w", world_lines())), "gp")
    part = PartOfTruth(whole, ["rate"])
    assert [dimension.name for dimension in part.world.space.dimensions] == ["rate"]
    kind = whole.world.space.best_known["kind"]
    given = {"rate": 2e-3, "size": 8, "kind": kind}
    assert part.value([{"rate": 2e-3}]) == pytest.approx(whole.value([given]))
    assert part.run({"rate": 2e-3}, seed=3) == whole.run(given, seed=3)
    assert part.best() >= whole.best() - 1e-3


@pytest.mark.long
def test_both_are_searched_with_equal_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_world(tmp_path / "w", world_lines())
    assert main([str(folder), "--part", "rate,size", "--studies", "4", "--trials", "8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["w, gp", "w, trees", "w"]
    assert "n=4" in lines[-1]


@pytest.mark.parametrize("part", ["nothing", "rate,size,kind"])
def test_a_part_that_is_none_is_one_sentence(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_world(tmp_path / "w", world_lines())
    assert main([str(folder), "--part", part]) == 2
    assert "must be some of kind, rate, size" in capsys.readouterr().err

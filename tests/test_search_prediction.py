"""The benchmark that asks the surrogate of a study alone."""

import re
from pathlib import Path

import pytest

from benchmarks.search.prediction import main
from support.worlds import world_lines, write_world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_world(tmp_path / "w", world_lines(70))


def test_it_prints_a_line_for_each_number_of_runs_and_part_that_is_pruned(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "--runs", "12,24", "--pruned", "0,0.5", "--repeats", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        f"w, {runs} runs, {pruned} pruned" for runs in (12, 24) for pruned in ("0%", "50%")
    ]
    rhos = [float(found[1]) for line in lines if (found := re.search(r"Spearman (\d\.\d+)", line))]
    assert len(rhos) == 4
    assert rhos[2] > 0.8  # 24 whole runs over three parameters


@pytest.mark.parametrize(
    "wrong", [["--runs", "x"], ["--runs", "3"], ["--runs", "65"], ["--pruned", "1"], ["--repeats", "1"]]
)
def test_wrong_options_are_refused_in_a_sentence(
    folder: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), *wrong]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

"""Whole real studies by turns."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.search.real import Comparison, main, read_args
from support.fakes import text_of

SPACE = """
preset = "reference"

[fixed]
n_layers = 1
d_ff = 64

[parameters.d_model]
type = "int"
low = 16
high = 32
step = 16

[parameters.learning_rate]
type = "float"
low = 1e-3
high = 1e-2
log = true
"""


@pytest.mark.long
def test_studies_by_turns_and_fresh_runs_of_what_they_recommend_once_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path / "home"))
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    (tmp_path / "space.toml").write_text(SPACE)
    trained = []

    def train(plan: Any, side: str, seed: int) -> dict[str, Any]:
        trained.append((plan.candidates["A"].name, seed))
        return {"val_bpb": 2.0 + len(trained), "total_steps": 9, "cpu_ratio": 2.0}

    call = [str(tmp_path / "real"), "--arms", "random+none,tpe+none", "--space", str(tmp_path / "space.toml")]
    call += ["--corpus", str(tmp_path / "text.txt"), "--trials", "4", "--seconds", "0.2"]
    call += ["--studies", "1", "--fresh", "2"]
    for _ in range(2):  # the second time there is nothing left to do
        comparison = Comparison(read_args(call), train)
        comparison.run()
    assert [name for name, _ in trained] == ["random-none-0", "random-none-0", "tpe-none-0", "tpe-none-0"]
    assert trained[0][1] == trained[2][1] != trained[1][1]
    lines = [json.loads(line) for line in (tmp_path / "real" / "fresh.jsonl").read_text().splitlines()]
    assert [line["val_bpb"] for line in lines] == [3.0, 4.0, 5.0, 6.0]
    assert comparison.lines()[-1].startswith("tpe+none less random+none: 2.0000")


def test_what_cannot_be_compared_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "real"), "--arms", "luck"]) == 2
    assert main([str(tmp_path / "real"), "--corpus", str(tmp_path / "nowhere")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2

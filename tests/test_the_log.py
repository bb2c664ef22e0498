"""The published manual search: its settings, its space, and the contest with studies."""

import json
from pathlib import Path
from typing import Any

import pytest

from bardtune.data.errors import UserError
from bardtune.model.presets import PRESETS
from bardtune.model.settings import settings_from
from bardtune.search.sampling.space_file import load_space
from benchmarks.search.real import Comparison
from benchmarks.the_log import LOG, RUNS, SPACE, Contest, draw, main, published_runs, read_args
from support.at_hand import SPACE as TINY_SPACE
from support.fakes import text_of


def test_the_published_runs_can_be_trained_and_end_at_the_reference_recipe() -> None:
    runs = published_runs(RUNS)
    assert len(runs) == len({run.name for run in runs}) == 25
    for run in runs:
        settings_from({**run.settings, "budget_s": 1.0, "seed": 0})
    best = min(runs, key=lambda run: run.published_bpb)
    assert best.settings == PRESETS["reference"]


def test_the_space_begins_with_their_first_run_and_reaches_from_their_lowest_to_their_highest_values() -> None:
    space, runs = load_space(str(SPACE)), published_runs(RUNS)
    source = space.source["parameters"]
    first = settings_from({**runs[0].settings, "budget_s": 1.0, "seed": 0}).as_dict()
    for name, parameter in source.items():
        values = [settings_from({**run.settings, "budget_s": 1.0, "seed": 0}).as_dict()[name] for run in runs]
        if parameter["type"] == "categorical":
            assert set(values) == set(parameter["choices"])
        else:
            assert (min(values), max(values)) == (parameter["low"], parameter["high"])
        assert space.source["best_known"][name] == first[name]
    moved = {name for run in runs for name, value in run.settings.items() if value != first[name]}
    assert moved == source.keys()


def test_each_run_is_made_once_and_the_lowest_is_run_again(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    made = []

    def train(plan: Any, side: str, seed: int) -> dict[str, Any]:
        made.append((plan.candidates[side].name, plan.seconds, seed))
        diverged = len(made) in (1, 26)
        return {"val_bpb": None if diverged else 2.0 + abs(len(made) - 18) / 100, "total_steps": 9, "cpu_ratio": 2.0}

    call = [str(tmp_path / "kept"), "--corpus", str(tmp_path / "text.txt"), "--studies", "0"]
    for _ in range(2):
        contest = Contest(read_args(call), train)
        contest.run()
    assert len(made) == 25 + 5 + 2
    assert {seed for _, _, seed in made[:25]} == {42}
    assert contest.winners() == {LOG: published_runs()[17].settings}
    assert {(name, seconds) for name, seconds, _ in made[25:]} == {
        (f"winner of {LOG}", 60.0),
        (f"winner of {LOG}", 180.0),
    }
    assert len({seed for _, _, seed in made[25:30]}) == 5
    steps = contest.best_so_far()[LOG]
    assert (steps[0], steps[-1]) == ((2, 2.0, 2.16), (25, 25.0, 2.0))
    draw(contest, tmp_path / "best.png")
    assert (tmp_path / "best.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "other.txt").write_bytes(text_of(20_001))
    with pytest.raises(UserError, match="on another text"):
        Contest(read_args([call[0], "--corpus", str(tmp_path / "other.txt")]), train)
    said = contest.lines()
    assert said[0] == "the log: lowest 2.0000, by 'embeddings of 1 byte before'"
    assert said[1].startswith("winner of the log, 60 s, fresh seeds: 2.1050 ")
    assert said[1].endswith("; n=4, 1 more diverged)")


@pytest.mark.long
def test_studies_run_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path / "home"))
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    (tmp_path / "space.toml").write_text(TINY_SPACE)
    call = [str(tmp_path / "kept"), "--corpus", str(tmp_path / "text.txt"), "--space", str(tmp_path / "space.toml")]
    call += ["--seconds", "0.2", "--studies", "1", "--fresh", "1", "--long-fresh", "0"]

    def train(plan: Any, side: str, seed: int) -> dict[str, Any]:
        return {"val_bpb": 2.0, "total_steps": 9, "cpu_ratio": 2.0}

    contest = Contest(read_args(call), train)
    contest.run()
    assert contest.winners().keys() == contest.best_so_far().keys() == {LOG, "default-0"}
    runs, minutes, _ = contest.best_so_far()["default-0"][-1]
    assert runs == 25
    assert minutes > 0
    lines = [json.loads(line) for line in (tmp_path / "kept" / "runs.jsonl").read_text().splitlines()]
    assert [line["name"] for line in lines[25:]] == ["winner of the log", "winner of default-0"]
    assert isinstance(contest.comparison, Comparison)
    draw(contest, tmp_path / "best.png")


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "kept"), "--corpus", str(tmp_path / "nowhere")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

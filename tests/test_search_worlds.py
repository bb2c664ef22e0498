"""Worlds: recording them, reading them, and what their surrogates say."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bardtune.data.errors import UserError
from bardtune.search.launch.protocol import Ended
from bardtune.search.sampling.space_file import load_space
from benchmarks.search import record
from benchmarks.search.design import point
from benchmarks.search.program_text import program_text
from benchmarks.search.record import Recorder, RecordPlan, begin, finish, read_draft
from benchmarks.search.truth import Truth
from benchmarks.search.world import read_world
from support.fakes import ScriptedLauncher, falling_to, text_of
from support.worlds import SPACE, world_lines, write_world

# The design


def test_a_design_covers_the_box_and_the_best_known_point_and_repeats() -> None:
    space = load_space("seven")
    ended: list[dict[str, Any]] = []
    parts = []
    for number in range(60):
        drawn = point(space, number, num_runs=60, seed=0, ended=ended)
        parts.append(drawn.part)
        ended.append({"params": drawn.params, "val_bpb": 2.0 + number % 7})
    assert {part: parts.count(part) for part in parts} == {
        "known": 1, "box": 23, "repeat": 5, "around known": 19, "around best": 12,
    }  # fmt: skip
    assert ended[0]["params"] == ended[10]["params"] == space.best_known
    assert point(space, 41, num_runs=60, seed=0, ended=ended[:41]).params == ended[41]["params"]
    assert point(space, 5, num_runs=60, seed=1, ended=ended[:5]).params != ended[5]["params"]


# The recorder

PLAN = RecordPlan(space="reference", corpus="shakespeare", seconds=1.0, runs=12, workers=2, threads=1, seed=0)


def launched(stop_after: int | None = None) -> Callable[..., ScriptedLauncher]:
    """A launcher of runs of which every fifth diverges; Ctrl-C after so many orders."""

    class Launcher(ScriptedLauncher):
        def start(self, order: Any) -> None:
            if stop_after is not None and len(self.orders) == stop_after:
                raise KeyboardInterrupt
            super().start(order)

    def script(order: Any) -> list[Any]:
        if int(order.run_id) % 5 == 4:
            return [Ended(run_id=order.run_id, ending="diverged", reason="NaN")]
        return falling_to(2.0 + order.settings["learning_rate"])

    return lambda workers, threads, logs: Launcher(script, capacity=workers)


def test_a_recording_that_was_stopped_goes_on_and_makes_every_run_once(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    space = begin(folder, PLAN)
    first = Recorder(folder, PLAN, space, make_launcher=launched(stop_after=7))
    with pytest.raises(KeyboardInterrupt):
        first.record()
    with (folder / "runs.jsonl").open("a") as file:
        file.write('{"trial": 99, "torn')
    second = Recorder(folder, PLAN, begin(folder, PLAN), make_launcher=launched())
    assert 0 < len(second.lines) < 12
    second.record()
    finish(folder, second.lines)
    world = read_world_of(folder, minimum=5)
    assert [run.ending for run in world.runs].count("diverged") == 2
    assert len(world.runs) == 12
    assert not (folder / "runs.jsonl").exists()
    assert record.main([str(folder)]) == 0  # nothing is left, and nothing is made again
    assert read_world_of(folder, minimum=5) == world
    kept = json.loads((folder / "world.json").read_text())
    assert kept["plan"]["runs"] == 12
    assert kept["cpu"]


def read_world_of(folder: Path, *, minimum: int) -> Any:
    from benchmarks.search import world

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "MIN_FINISHED", minimum)
        return read_world(folder)


def test_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text('{"trial": 0}\n{"tri')
    assert read_draft(file) == [{"trial": 0}]
    assert file.read_text() == '{"trial": 0}\n'
    assert read_draft(tmp_path / "none") == []


def test_runs_of_another_processor_are_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(tmp_path / "world", PLAN)
    monkeypatch.setattr(record, "cpu_kind", lambda: "another")
    with pytest.raises(UserError, match="record into a new folder"):
        record.read_plan([str(tmp_path / "world")])


def test_runs_on_another_text_are_not_mixed_in(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes(text_of(20_000))
    begin(tmp_path / "world", replace(PLAN, corpus=str(text)))
    text.write_bytes(text_of(30_000))
    with pytest.raises(UserError, match="put that back"):
        record.read_plan([str(tmp_path / "world")])


def test_what_was_begun_knows_its_plan(tmp_path: Path) -> None:
    begin(tmp_path / "world", PLAN)
    assert record.read_plan([str(tmp_path / "world")])[1] == PLAN


def test_wrong_options_are_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record.main([str(tmp_path / "w"), "--space", "nowhere.toml"]) == 2
    assert record.main([str(tmp_path / "w"), "--runs", "many"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert not (tmp_path / "w").exists()


def test_program_text_is_python() -> None:
    text = program_text()
    assert len(text) > 1_000_000
    assert b"\ndef " in text


# Worlds


def test_a_world_of_another_program_is_read(tmp_path: Path) -> None:
    lines = [*world_lines(), {"params.rate": 1e-3, "ending": "pruned", "val_bpb": None}, {"role": "baseline"}]
    world = read_world(write_world(tmp_path / "w", lines))
    assert len(world.runs) == 60
    assert world.space.best_known == {"rate": 1e-3, "size": 8, "kind": "fancy"}
    assert {percent for percent, _ in world.runs[0].curve} == set(range(10, 100, 10))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "space.toml").unlink(), "a world has its search space there"),
        (lambda folder: (folder / "space.toml").write_text("parameters = 3"), "is not a search space"),
        (lambda folder: (folder / "space.toml").write_text("=="), "is not a search space"),
        (lambda folder: (folder / "runs.jsonl.gz").unlink(), "write a world's runs there"),
        (lambda folder: (folder / "runs.jsonl.gz").write_bytes(b"no gzip"), "cannot read"),
        (lambda folder: write_world(folder, world_lines(19)), "holds 19 finished runs"),
    ],
)
def test_what_is_no_world_is_refused(tmp_path: Path, change: Callable[[Path], object], said: str) -> None:
    folder = write_world(tmp_path / "w", world_lines())
    change(folder)
    with pytest.raises(UserError, match=said):
        read_world(folder)


# Surrogates of worlds


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return Truth(read_world(write_world(tmp_path_factory.mktemp("w"), world_lines())), "gp")


GOOD, BAD = {"rate": 4e-3, "size": 16, "kind": "fancy"}, {"rate": 1e-4, "size": 2, "kind": "plain"}


def test_a_surrogate_has_learned_its_world(truth: Truth) -> None:
    quality = truth.quality()
    assert quality.spearman > 0.9
    assert 0.002 < quality.noise_sd < 0.008
    assert quality.num_repeats == 5
    good, bad = truth.value([GOOD, BAD])
    assert abs(good - 1.8) < 0.01
    assert bad > good + 0.1
    assert truth.best() <= good + 1e-9


def test_a_run_is_the_same_for_the_same_seed_and_its_noise_is_that_of_the_world(truth: Truth) -> None:
    one, same, other = (truth.run(GOOD, seed=seed) for seed in (1, 1, 2))
    assert one == same != other
    ends = [truth.run(GOOD, seed=seed).val_bpb for seed in range(60)]
    assert np.std(ends) == pytest.approx(truth.quality().noise_sd, rel=0.4)
    assert [percent for percent, _ in one.curve] == list(range(10, 100, 10))
    assert one.curve[0][1] > one.curve[-1][1]


def test_where_real_runs_failed_simulated_ones_do(tmp_path: Path) -> None:
    failing = Truth(read_world(write_world(tmp_path, world_lines(failing=True))), "gp")
    assert failing.run({"rate": 9e-2, "size": 16, "kind": "plain"}, seed=0).ending == "diverged"
    assert failing.run(GOOD, seed=0).ending == "finished"


def test_a_world_without_curves_has_runs_without_curves(tmp_path: Path) -> None:
    plain = Truth(read_world(write_world(tmp_path, world_lines(with_curves=False), space=SPACE)), "gp")
    assert plain.run(GOOD, seed=0).curve == ()

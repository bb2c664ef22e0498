"""``bardtune space``: what a search space says, and whether it can be searched here."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from bardtune.search.cli.app import main
from bardtune.search.commands.space import warnings_of
from bardtune.search.launch.tryout import Tryout, try_out
from bardtune.search.sampling.space import Dimension, distribution_of
from bardtune.search.sampling.space_file import load_space
from bardtune.search.sampling.space_words import dimension_text
from bardtune.search.sampling.spaces.registry import space_names
from support.command_line import complaint
from support.fakes import text_of
from support.tiny import TINY

pytestmark = pytest.mark.usefixtures("home")
SPACE = """
preset = "reference"
[fixed]
n_layers = 1
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
[parameters.position]
type = "categorical"
choices = ["rope", "alibi"]
[parameters.rope_theta]
type = "float"
low = 10.0
high = 90.0
condition = { position = "rope" }
"""


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_bytes(text_of(60_000))
    return tmp_path / "text.txt"


@pytest.mark.parametrize("name", space_names())
def test_a_built_in_space_is_printed_as_the_file_that_can_be_changed(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["space", name]) == 0
    said = capsys.readouterr().out
    (tmp_path / "mine.toml").write_text(said)
    assert load_space(str(tmp_path / "mine.toml")).source == tomllib.loads(said)


def test_each_parameter_is_explained_and_some_settings_are_tried(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_text(SPACE)
    assert main(["space", "mine.toml", "--corpus", str(text), "--draws", "1", "--threads", "1"]) == 0
    said = capsys.readouterr().out
    assert "d_model        a whole number from 16 to 32 in steps of 16, each as likely as any other" in said
    assert "learning_rate  a number from 1e-3 to 0.01, each doubling as likely as any other" in said
    assert "rope_theta     a number from 10 to 90, each as likely as any other, only where position is rope" in said
    assert "(channels per position, C)" in said
    assert "fixed: n_layers 1" in said
    assert said.count(" M ") == said.count(" GB ") == 1
    assert said.endswith("all of them work here\n")


def test_without_drawing_it_only_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["space", "reference", "--check", "--draws", "0"]) == 0
    assert capsys.readouterr().out.startswith("7 parameters over the preset reference:\n")


def test_what_cannot_be_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_text(SPACE.replace("d_model", "d_modle"))
    assert "did you mean 'd_model'?" in complaint(capsys, "space", "bad.toml")
    assert "nowhere.toml" in complaint(capsys, "space", "nowhere.toml")
    (tmp_path / "mine.toml").write_text(SPACE)
    assert "choose --seconds 180" in complaint(capsys, "space", "mine.toml", "--seconds", "0")
    assert "nowhere.txt" in complaint(capsys, "space", "mine.toml", "--corpus", "nowhere.txt")
    assert "seed" in complaint(capsys, "space", "mine.toml", "--seed", str(2**31))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"type": "float", "low": 1.0, "high": 5.0, "step": 1.0}, "a number from 1 to 5 in steps of 1, each as likely"),
        ({"type": "float", "low": 0.5, "high": 0.9995}, "a number from 0.5 to 0.9995, each as likely as any other"),
        ({"type": "int", "low": 4, "high": 4}, "always 4"),
        ({"type": "int", "low": 2, "high": 64, "log": True}, "a whole number from 2 to 64, each doubling as likely"),
        ({"type": "categorical", "choices": [True, False]}, "one of true, false"),
    ],
)
def test_a_range_is_said_as_it_is_drawn_from(table: dict[str, Any], said: str) -> None:
    dimension = Dimension(name="x", distribution=distribution_of(table), condition={})
    assert dimension_text(dimension).startswith(said)


def test_a_run_that_fails_is_told_with_its_reason(text: Path) -> None:
    small = try_out(TINY, str(text), threads=1)
    assert (small.reason, small.num_params > 0, small.memory_bytes > 1e7) == (None, True, True)
    assert small.steps_in(60.0) > 100
    assert try_out({**TINY, "d_model": 15}, str(text), threads=1).reason is not None
    late = try_out(TINY, str(text), threads=1, limit_s=0.2)
    assert late.reason == "its 3 steps were not made within 0.2 s"


def test_what_does_not_work_here_ends_with_2(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([Tryout(reason="out of memory: more was not to be had"), Tryout(num_params=1, step_s=0.1)])
    monkeypatch.setattr("bardtune.search.commands.space.try_out", lambda *_, **__: next(found))
    (tmp_path / "mine.toml").write_text(SPACE)
    assert main(["space", "mine.toml", "--corpus", str(text), "--draws", "2"]) == 2
    said = capsys.readouterr().out
    assert "does not work: out of memory" in said
    assert "1 of 2 do not work here; a study would lose such trials" in said


def test_what_is_slow_or_large_is_warned_of() -> None:
    quick = Tryout(step_s=0.01, memory_bytes=10**8)
    assert list(warnings_of([quick], 180.0)) == []
    slow, counting = Tryout(step_s=2.0), Tryout(step_s=0.01, count_s=100.0)
    large = Tryout(step_s=0.01, memory_bytes=10**15)
    said = list(warnings_of([quick, slow, counting, large, slow], 180.0))
    assert said[0] == "drawings 1, 4 would make fewer than 200 steps in 180 s: too slow to learn much"
    assert said[1] == "drawing 2 would spend more than half of 180 s on counting the text"
    assert said[2].startswith("drawing 3 took more memory than the ")

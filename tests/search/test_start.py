"""``bardtune start``: what it offers, what it refuses, and that its options are the plan's."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from bardtune.search.cli.app import app
from bardtune.search.engine.planning import REGISTRIES
from bardtune.search.sampling.spaces.registry import space_names
from bardtune.studies.plan import PLAN_DEFAULTS
from support.command_line import complaint

pytestmark = pytest.mark.usefixtures("home")


def parameters() -> dict[str, typer.core.TyperOption]:
    """The options of the command by the names of its function's arguments."""
    command = typer.main.get_command(app).commands["start"]
    return {parameter.name: parameter for parameter in command.params}


def test_every_field_of_the_plan_is_an_option_whose_help_tells_the_plans_default() -> None:
    options = parameters()
    for field, default in PLAN_DEFAULTS.items():
        option = options[field]
        assert option.opts == ["--" + field.replace("_", "-")]
        shown = f"{default:g}" if isinstance(default, float) else {"threads": "cores / workers"}.get(field, default)
        shown = "no" if shown is False else shown
        assert str(option.help).endswith(f" [default: {shown}]"), field
        assert option.default is None, field


def test_the_tab_key_offers_what_the_registries_list() -> None:
    options = parameters()
    for registry in REGISTRIES:
        assert offered(options[registry.noun], "") == list(registry.names)
    assert offered(options["space"], "") == list(space_names())
    assert offered(options["sampler"], "t") == ["tpe"]


def offered(option: typer.core.TyperOption, begun: str) -> list[str]:
    context = typer.Context(typer.main.get_command(app))
    return [item.value for item in option.shell_complete(context, begun)]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["start", "s", "--trials", "51"], "choose --trials 50"),
        (["start", "s", "--hours", "4"], "choose --hours 3"),
        (["start", "s", "--trials", "many"], "--trials"),
        (["start", "s", "--sampler", "grid"], "choose one of curvegp"),
        (["start", "s", "--space", "nowhere.toml"], "or one of wide, "),
        (["start", "s", "--corpus", "nowhere.txt"], "no corpus at"),
        (["start", "a:b"], "cannot name a study"),
        (["start", "s", "--storage", "what?"], "is not a storage URL"),
        (["start", "s", "--storage", "sqlite:////proc/x/s.db"], "--storage"),
        (["start", "s", "--config", "nowhere.toml"], "cannot read the config file"),
        (["start", "s", "--hours", "0"], "above 0 and at most 3"),
        (["start", "s", "--config", "~nosuch/plan.toml"], "no usable path"),
        (["start", "s", "--space", "~nosuch/x"], "no usable path"),
        (["start", "s", "--storage", "sqlite:///~nosuch/x.db"], "no usable path"),
        (["start", "s", "--storage", "sqlite:////tmp/" + "x" * 300], "no usable path"),
        (["start", "s", "--hours", "0.05"], "too short for one trial"),
        (["start", ""], "cannot name a study"),
    ],
)
def test_what_the_user_can_put_right_is_one_sentence_and_nothing_is_stored(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert said in complaint(capsys, *args)
    assert not (home / "studies.db").exists()


@pytest.mark.parametrize(("content", "said"), [(b"", "0 bytes"), (b"To be\n", "needs at least 5,140")])
def test_an_empty_or_short_corpus_is_refused_with_the_length_it_needs(
    content: bytes, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "short.txt").write_bytes(content)
    assert said in complaint(capsys, "start", "s", "--corpus", "short.txt")


def test_a_space_whose_draws_do_not_fit_is_refused_before_anything_is_stored(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path
) -> None:
    (tmp_path / "bad.toml").write_text(
        "[fixed]\nn_heads = 3\n[parameters.d_model]\ntype='int'\nlow=32\nhigh=64\nstep=32"
    )
    assert "cannot be shared by n_heads 3" in complaint(capsys, "start", "s", "--space", "bad.toml")
    assert not home.exists()


def test_a_home_folder_in_config_is_understood(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    (tmp_path / "me").mkdir()
    (tmp_path / "me" / "plan.toml").write_text("trials = 51")
    assert "choose --trials 50" in complaint(capsys, "start", "t", "--config=~/plan.toml")


def test_the_coordinator_does_without_torch() -> None:
    code = "import sys, bardtune.search.commands.start; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr

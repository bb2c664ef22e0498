"""The command line: what it prints, where, and with which exit code."""

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from bardtune.search.cli.app import COMMANDS, app, main

from support.fakes import text_of
from support.paths import ROOT
from support.studies_at_hand import make_study, storage_at


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "bardtune", *args],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def complaint(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one sentence that a command says before it exits with 2."""
    assert main(args) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["show", "nobody"], "bardtune start"),
        (["resume", "nobody"], "bardtune start"),
        (["plot", "nobody"], "bardtune start"),
        (["start", "s", "--trials", "51"], "choose --trials 50"),
        (["start", "s", "--hours", "4"], "choose --hours 3"),
        (["start", "s", "--trials", "many"], "--trials"),
        (["start", "s", "--sampler", "grid"], "choose one of tpe"),
        (["start", "s", "--space", "nowhere.toml"], "seven, "),
        (["start", "s", "--corpus", "nowhere.txt"], "no corpus at"),
        (["start", "a:b"], "cannot name a study"),
        (["start", "s", "--storage", "what?"], "is not a storage URL"),
        (["start", "s", "--storage", "sqlite:////proc/x/s.db"], "--storage"),
        (["list", "--storage", "oracle://x"], "not supported"),
        (["start", "s", "--config", "nowhere.toml"], "cannot read the config file"),
        (["start", "s", "--trails", "3"], "No such option"),
        (["start", "s", "--trails", "3"], "See: bardtune start --help."),
        (["show"], "Missing argument 'NAME'. See: bardtune show --help."),
        (["unknown"], "No such command 'unknown'. See: bardtune --help."),
        (["strat"], "'train'? See: bardtune --help."),
        (["train", "--preset", "antique"], "modern"),
        (["train", "--set", "d_model=33"], "try d_model"),
        (["train", "--set", "d_modle=33"], "did you mean 'd_model'"),
        (["train", "--set", "d_model"], "--set NAME=VALUE"),
        (["train", "--seconds", "0"], "--seconds 0 is outside 0.05 to 86400; choose --seconds 180"),
        (["train", "--seconds", "nan"], "--seconds nan is outside"),
        (["start", "s", "--hours", "0"], "above 0 and at most 3"),
        (["start", "s", "--config", "~nosuch/plan.toml"], "no usable path"),
        (["train", "--seconds", "9", "--steps", "9"], "give one of them"),
        (["train", "--steps", "0"], "give 1 to 10,000,000 steps"),
        (["train", "--steps", "9", "--record", "nowhere/record.json"], "name a file in a folder"),
        (["train", "--steps", "9", "--record", "."], "name a file in a folder"),
        (["train", "--set", "seed=3"], "use --seed"),
        (["train", "--corpus", "~nosuch/x"], "no usable path"),
        (["start", "s", "--space", "~nosuch/x"], "no usable path"),
        (["start", "s", "--storage", "sqlite:///~nosuch/x.db"], "no usable path"),
        (["start", "s", "--storage", "sqlite:////tmp/" + "x" * 300], "no usable path"),
        (["start", "s", "--hours", "0.05"], "too short for one trial"),
        (["start", ""], "cannot name a study"),
        (["train", "--threads", "999"], "choose --threads"),
        (["train", "--corpus", "nowhere.txt"], "no corpus at"),
    ],
)
def test_what_the_user_can_put_right_is_one_sentence_and_exit_code_2(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert said in complaint(capsys, *args)
    assert not (home / "studies.db").exists()


HOSTILE = ["../x", "a'; DROP TABLE studies; --", 'a"b', "nul\0", "x" * 300, "\N{SKULL}", "..", "-", " "]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_names_no_study_and_no_file_elsewhere(
    text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path
) -> None:
    assert "cannot name a study" in complaint(capsys, "start", "--", text)
    make_study(storage_at(home), "s")
    before = sorted(tmp_path.rglob("*"))
    for command in (["show"], ["resume"], ["plot"], ["delete", "--yes"]):
        assert "no study" in complaint(capsys, *command, "--", text)
    for option in ("--out", "--storage"):
        code = main(["plot", "s", "--kind", "history", option, f"sqlite:///{text}" if option == "--storage" else text])
        assert "Traceback" not in (said := capsys.readouterr().err)
        assert code in (0, 2), said
    assert main(["list"]) == 0
    made = set(tmp_path.rglob("*")) - set(before)
    assert {file.name for file in made if file.is_file()} <= {"s-history.html"}


def test_a_report_of_no_study_blames_the_name_and_not_the_file(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    make_study(storage_at(home), "s")
    assert "no study" in complaint(capsys, "report", "x" * 300)


def test_a_home_folder_in_out_and_config_is_understood(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    make_study(storage_at(home), "s")
    assert main(["plot", "s", "--kind", "history", "--out=~/plots"]) == 0
    assert (tmp_path / "me" / "plots" / "s-history.html").exists()
    assert not (tmp_path / "~").exists()
    capsys.readouterr()
    assert "no usable path" in complaint(capsys, "plot", "s", "--out", "~nosuch/plots")
    (tmp_path / "me" / "plan.toml").write_text("trials = 51")
    assert "choose --trials 50" in complaint(capsys, "start", "t", "--config=~/plan.toml")


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


def test_no_studies_yet_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "bardtune start" in capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_help_lists_every_command_and_begins_with_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-h"]) == 0
    _, _, listed = capsys.readouterr().out.partition("Commands:\n")
    assert re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE) == list(COMMANDS)
    assert main(["start", "-h"]) == 0
    assert "--trials" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"bardtune \d+(\.\d+)+\n", capsys.readouterr().out)


def test_help_loads_neither_torch_nor_optuna() -> None:
    code = (
        "import sys; from bardtune.search.cli.app import main; main(['--help']); main(['start', '--help']);"
        "print(sorted({'torch', 'optuna', 'numpy', 'plotly', 'matplotlib'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "[]"
    assert "--trials" in done.stdout


def test_importing_the_command_line_is_silent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import bardtune.search.cli.app"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_coordinator_does_without_torch(tmp_path: Path) -> None:
    code = "import sys, bardtune.search.commands.start; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr


def test_train_ends_with_the_contracts_json_line(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    done = run(
        "train",
        "--preset",
        "reference",
        "--seconds",
        "0.5",
        "--corpus",
        "text.txt",
        "--threads",
        "1",
        "--set",
        "d_model=16",
        "--set",
        "n_layers=1",
        "--json",
        TORCH_SEED="7",
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert 0 < result["val_bpb"] < 8
    assert result["total_steps"] > 0
    assert result["num_params_M"] == pytest.approx(result["num_params"] / 1e6)
    assert (result["settings"]["seed"], result["settings"]["d_model"]) == (7, 16)
    assert "100 %" in done.stderr


def test_every_command_in_the_readme_exists_with_its_options() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    taught = re.findall(r"^(?:\.venv/bin/)?bardtune ([a-z]+)(.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(taught) > 5
    for command, rest in taught:
        assert command in known, f"README teaches {command!r}, which is not a command"
        usage = run(command, "--help").stdout
        for option in re.findall(r"(--[a-z-]+)", rest):
            assert option in usage, f"README teaches {command} {option}"


def test_every_toml_in_the_readme_is_a_space_or_a_plan() -> None:
    from bardtune.search.engine.planning import resolve_plan
    from bardtune.search.sampling.space import check_draws, space_from

    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        source = tomllib.loads(block)
        if "parameters" in source:
            check_draws(space_from(source))
        else:
            resolve_plan({}, source)


def test_the_kinds_of_plots_and_the_evaluators_in_the_help_are_those_there_are() -> None:
    from bardtune.search.cli.plot import plot
    from bardtune.studies.analysis.importance import DEFAULT_EVALUATOR, EVALUATORS
    from bardtune.studies.plots import DEFAULT_KINDS, KINDS

    defaults = inspect.signature(plot).parameters
    assert defaults["kind"].default == ",".join(DEFAULT_KINDS)
    said = str(defaults["kind"].annotation.__metadata__[0].help)
    assert all(kind in said for kind in (*KINDS, "all"))
    assert defaults["evaluator"].default == DEFAULT_EVALUATOR
    assert all(name in str(defaults["evaluator"].annotation.__metadata__[0].help) for name in EVALUATORS)

"""The command line as a whole: what it lists, refuses, imports, and with which exit code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bardtune.search.cli.app import COMMANDS, main
from support.command_line import complaint
from support.paths import ROOT
from support.studies_at_hand import make_study, storage_at

pytestmark = pytest.mark.usefixtures("home")
NOT_A_COMMAND = {"cli": {"app", "options"}, "commands": {"output", "shared"}}


def modules(folder: str) -> set[str]:
    return {path.stem for path in (ROOT / "search" / folder).glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("folder", ["cli", "commands"])
def test_every_command_is_a_module_of_its_name_and_every_module_a_command(folder: str) -> None:
    assert modules(folder) - NOT_A_COMMAND[folder] == set(COMMANDS), f"search/cli/app.py lists others than {folder}/"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_test_of_its_name(command: str) -> None:
    file = ROOT / "tests" / "search" / f"test_{command}.py"
    assert file.exists(), f"write {file.relative_to(ROOT)}"
    assert "\ndef test_" in file.read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["start", "s", "--trails", "3"], "No such option"),
        (["start", "s", "--trails", "3"], "See: bardtune start --help."),
        (["show"], "Missing argument 'NAME'. See: bardtune show --help."),
        (["unknown"], "No such command 'unknown'. See: bardtune --help."),
        (["strat"], "'train'? See: bardtune --help."),
        (["ls"], "No such command 'ls'. Did you mean 'list'? See: bardtune --help."),
        (["status", "s"], "Did you mean 'show'? See: bardtune --help."),
        (["logs"], "Did you mean 'doctor'? See: bardtune --help."),
    ],
)
def test_what_the_parser_does_not_know_is_one_sentence_that_names_the_help(
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
    assert complaint(capsys, "plot", "s", "--kind", "history", "--storage", f"sqlite:///{text}")
    code = main(["plot", "s", "--kind", "history", "--out", text])
    is_drawn = os.path.exists(os.path.join(text, "s-history.html"))  # what is no path at all does not exist
    assert (code, bool(capsys.readouterr().err)) == ((0, False) if is_drawn else (2, True))
    assert main(["list"]) == 0
    made = set(tmp_path.rglob("*")) - set(before)
    assert {file.name for file in made if file.is_file()} <= {"s-history.html"}


def test_the_help_lists_every_command_and_begins_with_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-h"]) == 0
    _, _, listed = capsys.readouterr().out.partition("Commands:\n")
    assert re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE) == list(COMMANDS)
    assert main(["start", "-h"]) == 0
    assert "--trials" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"bardtune \d+(\.\d+)+\n", capsys.readouterr().out)


def test_no_help_loads_torch_optuna_or_numpy() -> None:
    heavy = {"torch", "optuna", "numpy", "plotly", "matplotlib", "sqlalchemy"}
    code = (
        "import sys; from bardtune.search.cli.app import COMMANDS, main; main(['--help']);"
        "[main([command, '--help']) for command in COMMANDS];"
        f"print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "[]"
    assert done.stdout.count("Usage: bardtune") == 1 + len(COMMANDS)


def test_importing_the_command_line_is_silent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import bardtune.search.cli.app"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

"""The command line as a whole: what it lists, refuses, imports, and with which exit code."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bardtune.search.cli.app import COMMANDS, main
from bardtune.search.terminal.lines import LineView
from bardtune.search.terminal.live import make_view, screen
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


ENTRY = [sys.executable, "-P", "-m", "bardtune"]


def entered(home: Path, *args: str, **named: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BARDTUNE_HOME": str(home), **named.pop("environment", {})}
    return subprocess.run([*ENTRY, *args], text=True, stderr=subprocess.PIPE, env=environment, check=False, **named)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_an_output_that_is_full_is_one_sentence(home: Path) -> None:
    make_study(storage_at(home), "s")
    for command in (["list"], ["show", "s"], ["trials", "s", "--csv"]):
        with open("/dev/full", "w") as full:
            done = entered(home, *command, stdout=full)
        assert (done.returncode, done.stderr) == (
            1,
            "bardtune: cannot write: No space left on device; make room, or write elsewhere.\n",
        )


def test_an_output_that_is_closed_is_no_error(home: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{' '.join(ENTRY)} list >&-"], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "BARDTUNE_HOME": str(home)}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_that_is_no_utf8_and_a_terminal_that_is_none_are_written_to(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = os.fsdecode(b"/texts/caf\xe9[b].txt")
    monkeypatch.setattr("support.studies_at_hand.CORPUS", {"name": named, "bytes": 9, "sha256": "0" * 64})
    make_study(storage_at(home), "s", corpus=named)
    for encoding, shown_as in (("utf-8", "caf\ufffd[b].txt"), ("latin-1", "caf?[b].txt")):
        done = entered(
            home, "list", stdout=subprocess.PIPE, environment={"PYTHONIOENCODING": encoding}, encoding="utf-8"
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert shown_as in done.stdout


def test_colours_that_a_ci_system_asks_for_make_no_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(make_view(screen()), LineView)


def test_a_user_without_a_home_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def homeless(*_: Any, **__: Any) -> None:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("BARDTUNE_HOME")
    monkeypatch.setattr("platformdirs.user_data_path", homeless)
    assert complaint(capsys, "show", "s") == (
        "bardtune: this user has no home folder; set BARDTUNE_HOME to a folder for the studies.\n"
    )


def test_a_screen_that_is_not_installed_is_none_that_a_picture_needs(home: Path) -> None:
    code = "import os; from bardtune.studies.plots.matplotlib import picture; print(os.environ['MPLBACKEND'])"
    environment = {**os.environ, "MPLBACKEND": "no-such-screen"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (0, "no-such-screen\n"), done.stderr

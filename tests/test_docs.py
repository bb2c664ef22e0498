"""What the documents teach works: their commands run, their links lead somewhere, every help has an example."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bardtune.search.cli.app import app, main

from support.fakes import text_of
from support.paths import ROOT

DOCUMENTS = ["README.md", "ARCHITECTURE.md", "LOG.md", "benchmarks/README.md"]
# Commands are run as they are taught, but for their size.
SMALL = {"--trials": "2", "--seconds": "0.3", "--steps": "3", "--threads": "1", "--workers": "1"}
SERVES = {"dashboard"}  # until Ctrl-C: test_dashboard.py
TRAINS = {"start", "train"}
OWN_PROCESS = {"train"}  # it sets its process's threads; the others share this one, which imports torch once


def shell_blocks() -> list[list[str]]:
    """The commands of each fenced block of the README that holds any, without comments."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = [block.replace("\\\n", " ") for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    return [[line for line in block.splitlines() if line.strip() and not line.startswith("#")] for block in blocks]


def made_small(line: str) -> list[str]:
    """The words of a command, at a size that takes a second or two."""
    words = shlex.split(line, comments=True)
    for option, value in SMALL.items():
        if option in words:
            words[words.index(option) + 1] = value
    if words[1] in TRAINS:
        words += ["--threads", "1"] if "--threads" not in words else []
        words += ["--corpus", "small.txt"] if "--corpus" not in words else []
    if words[1] == "replay":  # the text is not in an export, unless it is Shakespeare's
        words += ["--corpus", "small.txt"]
    return words


COMMAND_BLOCKS = [block for block in shell_blocks() if any(line.startswith("bardtune ") for line in block)]


@pytest.mark.parametrize("block", COMMAND_BLOCKS, ids=lambda block: block[0].split("#")[0].strip())
def test_the_commands_of_the_readme_run(block: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "texts").mkdir()
    for name in ("small.txt", "texts/novel.txt"):
        (tmp_path / name).write_bytes(text_of(20_000))
    monkeypatch.chdir(tmp_path)
    for name, value in {"HOME": tmp_path, "BARDTUNE_HOME": tmp_path / "home", "PYTHONPATH": ROOT}.items():
        monkeypatch.setenv(name, str(value))
    for line in block:
        words = made_small(line)
        if words[0] != "bardtune" or words[1] in SERVES:
            continue
        words = [str(tmp_path / word[2:]) if word.startswith("~/") else word for word in words]
        if words[1] not in OWN_PROCESS:
            assert main(words[1:]) == 0, line
            continue
        program = [sys.executable, "-P", "-m", "bardtune"]
        done = subprocess.run([*program, *words[1:]], capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_every_make_target_that_is_taught_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    taught = [line.split("#")[0].split() for block in shell_blocks() for line in block if line.startswith("make ")]
    assert taught
    assert {words[1] for words in taught} <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    file = ROOT / document
    for target in re.findall(r"\]\(([^)\s]+)\)", file.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            assert (file.parent / path).exists(), f"{document} links to {target}"
            assert not anchor or anchor in anchors(file if not path else file.parent / path), f"{document}: {target}"


def anchors(file: Path) -> set[str]:
    """What can be linked to in a Markdown file: its headings as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


COMMANDS = sorted(
    str(command.name or command.callback.__name__) for command in app.registered_commands if command.callback
)


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([command, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_ends_with_examples_whose_options_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(command, capsys)
    _, heading, examples = text.partition("Example")
    calls = re.findall(r"bardtune ([a-z]+)([^|\n]*)", examples)
    assert heading
    assert command in [name for name, _ in calls]
    for name, rest in calls:
        for option in re.findall(r"(--[a-z-]+)", rest):
            assert option in help_of(name, capsys).partition("Example")[0], f"{command}: {name} has no {option}"


# The Tab key


def completed(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """What bash would offer for a line that ends where the cursor stands."""
    words = line.split(" ")
    asked = {"_BARDTUNE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; from bardtune.search.cli.app import entry; sys.argv = ['bardtune']; entry()"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
        env={**os.environ, **asked, "BARDTUNE_HOME": str(home)},
    )  # fmt: skip


def test_commands_and_study_names_are_completed_without_a_sound(tmp_path: Path) -> None:
    from support.studies_at_hand import make_study, storage_at

    storage = storage_at(tmp_path)
    make_study(storage, "hamlet")
    make_study(storage, "hal")
    make_study(storage, "macbeth")
    assert completed("bardtune sho", tmp_path).stdout.split() == ["show"]
    offered = completed("bardtune show ha", tmp_path)
    assert (offered.stdout.split(), offered.stderr) == (["hal", "hamlet"], "")
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    assert completed(f"bardtune report --storage {url} ma", tmp_path / "nowhere").stdout.split() == ["macbeth"]


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://u:secret@127.0.0.1:1/x", "postgresql://[half", "mysql://h/x", "?"]
)
def test_a_server_that_does_not_answer_completes_nothing(url: str, tmp_path: Path) -> None:
    offered = completed(f"bardtune show --storage {url} ha", tmp_path)
    assert (offered.stdout.strip(), offered.stderr) == ("", "")


@pytest.mark.parametrize("content", [None, b"", b"not a database, but a long enough text to look like a file" * 9])
def test_a_database_that_is_missing_or_broken_completes_nothing(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "studies.db").write_bytes(content)
    offered = completed("bardtune show ", tmp_path)
    assert (offered.stdout.strip(), offered.stderr) == ("", "")
    assert (tmp_path / "studies.db").exists() == (content is not None)


def test_completing_a_name_loads_no_heavy_library() -> None:
    code = (
        "import sys; from bardtune.studies.store.completion import quick_names; "
        "print({'optuna', 'sqlalchemy', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_completion_script_is_shown_and_bash_takes_it() -> None:
    call = "sys.argv = ['bardtune', '--show-completion', 'bash']; entry()"
    code = f"import sys; from bardtune.search.cli.app import entry; {call}"
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert "_BARDTUNE_COMPLETE=complete_bash" in shown.stdout, shown.stderr
    assert subprocess.run(["bash", "-n"], input=shown.stdout, text=True, timeout=60).returncode == 0

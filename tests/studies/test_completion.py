"""The Tab key: commands and study names are completed, quickly and without a complaint."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.studies_at_hand import make_study, storage_at


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

"""The command line, called in this process or in one of its own."""

import os
import subprocess
import sys

import pytest

from bardtune.search.cli.app import main


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command says in a process of its own."""
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

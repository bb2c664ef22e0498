"""docs/walk-through.md: every line of it is run, with smaller budgets: ``.venv/bin/pytest -m long`` and this file."""

import re
from pathlib import Path

import pytest

from support.walk_through import DOCUMENT, carry_out, commands

SMALLER = (
    (r"space seven", "space reference"),
    (r"--seconds \d+", "--seconds 0.5"),
    (r"--trials 12", "--trials 5"),
    (r"--trials 16", "--trials 6"),
    (r"--trials 10", "--trials 4"),
    (r"--draws \d+", "--draws 1"),
    (r"^(bardtune start .*)", r"\1 --threads 1"),
)
WORDS = {  # that must be said, whatever the numbers
    "space": "all of them work here",
    "start one": "stopping: the running trial saves its state",
    "resume": "so far: ",
    "extend": "extended once at 5 runs",
    "start two": "after one (",
    "compare": "winner",
    "report": "two.html",
    "export": "check it with: bardtune replay",
    "replay": "verified to ",
}


def smaller(line: str) -> str:
    for pattern, less in SMALLER:
        line = re.sub(pattern, less, line)
    return line


@pytest.mark.long
def test_the_whole_life_of_a_study(tmp_path: Path) -> None:
    found = commands(DOCUMENT.read_text(encoding="utf-8"))
    assert len(found) == 11
    said_words = set()
    for command in found:
        code, said = carry_out(command, tmp_path, smaller(command.line))
        assert code == (130 if command.is_stopped else 0), f"{command.line}\n{said}"
        for words, wanted in WORDS.items():
            if command.line.startswith(f"bardtune {words}") and ">" not in command.line:
                assert wanted in said, f"{command.line}\n{said}"
                said_words.add(words)
    assert said_words == set(WORDS)
    assert (tmp_path / "two.html").stat().st_size > 100_000
    assert (tmp_path / "winner" / "train.py").exists()

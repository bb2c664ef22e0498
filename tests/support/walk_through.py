"""docs/walk-through.md: its commands, and what they print. ``python -m support.walk_through --write`` in tests/."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study
from support.paths import ROOT

DOCUMENT = ROOT / "docs" / "walk-through.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN_FOLDER = "/home/you/manual"


@dataclass(frozen=True)
class Command:
    line: str  # without its prompt
    is_stopped: bool  # by Ctrl-C, once a trial has finished
    shown: tuple[str, ...]  # below it


def commands(text: str) -> list[Command]:
    """The commands of the document."""
    found = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *shown = part.splitlines()
            found.append(Command(line, "^C" in shown, tuple(shown)))
    return found


def carry_out(command: Command, folder: Path, line: str | None = None) -> tuple[int, str]:
    """Run a command as its reader would; its exit code, and all that it prints.

    Args:
        command: of the document.
        folder: to run it in; home of the studies, too.
        line: to be run instead, such as the same with smaller budgets.
    """
    shell = (line or command.line).replace(" docs/", f" {shlex.quote(str(ROOT))}/docs/")
    shell = re.sub(r"^bardtune ", f"{shlex.quote(sys.executable)} -P -m bardtune ", shell)
    process = subprocess.Popen(
        ["sh", "-c", f"exec {shell}" if "exec" not in shell and "cat " not in shell else shell],
        cwd=folder,
        env={**os.environ, "BARDTUNE_HOME": str(folder / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if command.is_stopped:
        wait_for_a_trial(folder, shlex.split(command.line)[2])
        process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=600)
    return process.returncode, said


def wait_for_a_trial(folder: Path, name: str, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            record = read_study(ReadOnlyStorage(f"sqlite:///{folder / 'home' / 'studies.db'}"), name)
            if record.counts()["complete"] and record.counts()["running"]:
                return
        except Exception:  # not there yet
            pass
        time.sleep(0.1)
    raise AssertionError(f"no trial of {name} has finished")


def recorded(text: str, folder: Path) -> str:
    """The document with what its commands print now."""

    def block(found: re.Match[str]) -> str:
        lines = ["```console"]
        for command in commands(f"{found[0]}\n"):
            code, said = carry_out(command, folder)
            sys.stderr.write(f"{code}  {command.line}\n")
            said = said.replace(str(folder), SHOWN_FOLDER)
            lines += [f"$ {command.line}", *(["^C"] if command.is_stopped else []), *said.rstrip().splitlines()]
        return "\n".join([*lines, "```"])

    return BLOCK.sub(block, text)


def main(argv: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = recorded(DOCUMENT.read_text(encoding="utf-8"), Path(folder).resolve())
    if "--write" in argv:
        DOCUMENT.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])

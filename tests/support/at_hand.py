"""Real studies of seconds-long trials, to be hurt."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from bardtune.studies.analysis.verdict import study_json
from bardtune.studies.errors import StorageError, StudyError
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study
from support.fakes import text_of

BARDTUNE = [sys.executable, "-P", "-m", "bardtune"]
SPACE = """
preset = "reference"
[fixed]
n_heads = 2
n_layers = 1
history_depth = 1
[parameters.d_model]
type = "int"
low = 8
high = 32
step = 8
[parameters.learning_rate]
type = "float"
low = 1e-4
high = 1e-1
log = true
"""


@dataclass(frozen=True)
class Place:
    """A folder with a home, a text and a space, and the commands in it."""

    folder: Path
    storage: str | None = None
    begun: list[subprocess.Popen[str]] = field(default_factory=list)

    @staticmethod
    def at(folder: Path, storage: str | None = None) -> "Place":
        (folder / "text.txt").write_bytes(text_of(20_000))
        (folder / "space.toml").write_text(SPACE)
        return Place(folder, storage)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def python_path(self) -> str:
        return os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH")]))

    @property
    def database(self) -> Path:
        return self.home / "studies.db"

    def at_every_start(self, code: str) -> None:
        """Have every Python process that is begun from here, and its own, run this code first."""
        (self.folder / "sitecustomize.py").write_text(code)

    def begin(
        self, *args: str, errors_to: int | TextIO = subprocess.PIPE, own_session: bool = True
    ) -> subprocess.Popen[str]:
        """A command in the background, in a process group of its own.

        Args:
            own_session: and in a session of its own, where nobody could wake what Ctrl-Z stops, so that it does not.
        """
        said = [] if self.storage is None else ["--storage", self.storage]
        process = subprocess.Popen(
            [*BARDTUNE, *args, *said],
            stdout=subprocess.PIPE,
            stderr=errors_to,
            text=True,
            cwd=self.folder,
            env={**os.environ, "BARDTUNE_HOME": str(self.home), "PYTHONPATH": self.python_path},
            start_new_session=own_session,
            process_group=None if own_session else 0,
        )
        self.begun.append(process)
        return process

    def end_all(self) -> None:
        """What a failed test has left must not disturb the next one."""
        for process in self.begun:
            if process.poll() is None:
                process.kill()

    def start(
        self, name: str, *, errors_to: int | TextIO = subprocess.PIPE, own_session: bool = True, **plan: Any
    ) -> subprocess.Popen[str]:
        """Begin a study; unless ``plan`` names another sampler, one that needs no torch, so that it begins at once."""
        small = {"corpus": "text.txt", "space": "space.toml", "threads": 1, "sampler": "random", "pruner": "none"}
        plan = {**small, **plan}
        flags = [text for key, value in plan.items() for text in (f"--{key.replace('_', '-')}", str(value))]
        return self.begin("start", name, *flags, errors_to=errors_to, own_session=own_session)

    def run(self, *args: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        return _ended(self.begin(*args), seconds)

    def started(self, name: str, **plan: Any) -> subprocess.CompletedProcess[str]:
        """What a study has said when it has ended."""
        return _ended(self.start(name, **plan))

    def shown(self, name: str) -> dict[str, Any]:
        """What ``show --json`` says."""
        state = self.shown_if_any(name)
        assert state is not None
        return state

    def shown_if_any(self, name: str) -> dict[str, Any] | None:
        """What ``show --json`` says; None if there is no such study yet."""
        done = self.run("show", name, "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_for(self, name: str, condition: Callable[[dict[str, Any]], Any], seconds: float = 180) -> dict[str, Any]:
        """The study, as ``show --json`` says it, as soon as the condition holds; read without a process of its own."""
        return wait_for(self.storage or f"sqlite:///{self.database}", name, condition, seconds)

    def finish(self, name: str) -> dict[str, Any]:
        """Resume until the study is finished."""
        for _ in range(20):
            done = self.run("resume", name)
            assert "Traceback" not in done.stderr, done.stderr
            if done.returncode == 0:
                break
        state = self.shown(name)
        assert state["state"] == "finished", (state, done.stderr)
        return state

    def check_sound(self) -> None:
        """The database passes its integrity check, and no trial of any study is left open."""
        with sqlite3.connect(self.database) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            states = {row[0] for row in connection.execute("SELECT DISTINCT state FROM trials")}
        assert states <= {"COMPLETE", "PRUNED", "FAIL"}, states


def _ended(process: subprocess.Popen[str], seconds: float = 240) -> subprocess.CompletedProcess[str]:
    out, errors = process.communicate(timeout=seconds)
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def wait_for(url: str, name: str, condition: Callable[[dict[str, Any]], Any], seconds: float) -> dict[str, Any]:
    """Read a study again and again, which starts no process, until the condition holds."""

    def look() -> dict[str, Any] | None:
        try:
            state = study_json(read_study(ReadOnlyStorage(url), name))
        except (StorageError, StudyError):
            return None  # not made yet
        return state if condition(state) else None

    return wait_until(look, seconds)


def wait_until(condition: Callable[[], Any], seconds: float = 180) -> Any:
    """What ``condition`` gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain")


def children(pid: int) -> list[int]:
    """Living children of a process."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL a coordinator; its trial processes must follow by themselves."""
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not any(map(is_running, workers)), seconds=10)

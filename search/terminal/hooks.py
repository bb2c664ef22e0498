"""Commands of the user's that are told of a study: of a new best trial, and of its end."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO, Any, cast

from bardtune.data.errors import UserError
from bardtune.search.launch.child import has_ended
from bardtune.search.terminal.lines import View, find_run, new_best_line
from bardtune.studies.analysis.phrases import bpb_text, state_text
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.records import StudyRecord

LIMIT_S = 60.0  # that a command may take
TICK_S = 0.05
LET_GO_S = 2.0  # after which nobody waits for a process that cannot be ended, such as another user's
KEPT_BYTES = 4096  # of what a command says on standard error: its end
SHELL = ["/bin/sh", "-c"]


class Hooks:
    """Runs the commands, one at a time, beside the study; of new bests that come faster, the last.

    Args:
        on_best: a command for the shell; None for none.
        on_end: likewise.
        limit_s: seconds that each may take.
    """

    def __init__(self, on_best: str | None = None, on_end: str | None = None, *, limit_s: float = LIMIT_S) -> None:
        for name, command in (("--on-best", on_best), ("--on-end", on_end)):
            if command is not None and not command.strip():
                raise UserError(f"{name} is empty; give a command for the shell, such as {name} 'echo $BARDTUNE_TEXT'.")
        self.on_best, self.on_end, self.limit_s = on_best, on_end, limit_s
        self.said: list[str] = []  # what went wrong, to be told
        self.present: HookProcess | None = None
        self.waiting: dict[str, str] | None = None  # the facts of a new best, while the command runs for one before

    def view(self, view: View) -> View:
        """The view, which also has the commands run."""
        return view if self.on_best is None else cast(View, HookedView(view, self))

    def best(self, record: StudyRecord, run_id: str, text: str) -> None:
        """A search trial is the best so far."""
        run = find_run(record, run_id)
        if run is not None:
            facts = facts_of(record, "best", text)
            facts |= {"BARDTUNE_TRIAL": str(run.number), "BARDTUNE_BPB": bpb_text(run.val_bpb)}
            self.waiting = {**facts, "BARDTUNE_PARAMS": json.dumps(run.params)}
            self.go_on()

    def go_on(self) -> list[str]:
        """Look after the command that runs, and begin the next; returns what there is to tell. To be called often."""
        if self.present is not None and self.present.has_ended(self.said):
            self.present = None
        if self.present is None and self.waiting is not None and self.on_best is not None:
            self.present = self._begin("--on-best", self.on_best, self.waiting)
            self.waiting = None
        told, self.said = self.said, []
        return told

    def end(self, record: StudyRecord, say: Callable[[str], None], *, stopped: Callable[[], bool]) -> None:
        """The study is over, or stopped; waits for the commands, but not if somebody asks to stop once more."""
        while not stopped() and (self.present is not None or self.waiting is not None):
            self._wait(say, stopped)
        if self.on_end is not None and not stopped():
            self.present = self._begin("--on-end", self.on_end, _facts_of_end(record))
            while self.present is not None and not stopped():
                self._wait(say, stopped)
        for text in self.go_on() if self.present is None else []:
            say(text)
        self.kill()

    def kill(self) -> None:
        """End what runs, at once."""
        if self.present is not None:
            self.present.kill()
        self.present = self.waiting = None

    def _wait(self, say: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        for text in self.go_on():
            say(text)
        if self.present is not None and not stopped():
            time.sleep(TICK_S)

    def _begin(self, name: str, command: str, facts: dict[str, str]) -> "HookProcess | None":
        try:
            return HookProcess(name, command, facts, self.limit_s)
        except OSError as problem:
            self.said.append(f"{name} could not be run: {problem.strerror}")
            return None


class HookProcess:
    """One command, its time bounded; what it has begun ends with it."""

    def __init__(self, name: str, command: str, facts: dict[str, str], limit_s: float) -> None:
        self.name, self.limit_s, self.end_at = name, limit_s, time.monotonic() + limit_s
        self.process = subprocess.Popen(
            [*SHELL, command],
            env={**os.environ, **facts},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stderr is not None
        self.errors = Tail(self.process.stderr)

    def has_ended(self, said: list[str]) -> bool:
        """Whether it has, by itself or because its time was over; ``said`` is told what went wrong."""
        is_over = has_ended(self.process)
        if not is_over and time.monotonic() < self.end_at:
            return False
        code, last = self.kill()
        if code is None:
            said.append(f"{self.name} took more than {self.limit_s:g} s and cannot be ended; it is left alone")
        elif not is_over:
            said.append(f"{self.name} was ended: it took more than {self.limit_s:g} s")
        elif code:
            said.append(f"{self.name} has failed with exit code {code}{': ' + last if last else ''}")
        return True

    def kill(self) -> tuple[int | None, str]:
        """End it, and whatever it has left behind; returns its exit code and the last line of what it has said.

        The code is None if it could not be ended.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        try:
            code = self.process.wait(LET_GO_S)
        except subprocess.TimeoutExpired:
            return None, ""
        return code, self.errors.last_line() if code else ""


class Tail:
    """Reads all that comes through a pipe, and keeps the end of it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.pipe, self.kept = pipe, b""
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        with self.pipe:
            while data := os.read(self.pipe.fileno(), 1 << 16):
                self.kept = (self.kept + data)[-KEPT_BYTES:]

    def last_line(self) -> str:
        """The last line so far; what has left the session of its writer may still hold the pipe."""
        self.thread.join(LET_GO_S)
        lines = self.kept.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


class HookedView:
    """A view that also tells the hooks of new bests; all else is the view's own."""

    def __init__(self, view: View, hooks: Hooks) -> None:
        self.view, self.hooks = view, hooks

    def __getattr__(self, name: str) -> Any:
        return getattr(self.view, name)

    def run_ended(self, run_id: str, record: StudyRecord) -> None:
        self.view.run_ended(run_id, record)
        run = find_run(record, run_id)
        if run is not None and (text := new_best_line(record, run)) is not None:
            self.hooks.best(record, run_id, text)

    def tick(self, seconds_used: float) -> None:
        self.view.tick(seconds_used)
        for text in self.hooks.go_on():
            self.view.said(text)


def facts_of(record: StudyRecord, event: str, text: str) -> dict[str, str]:
    """What a command finds in its environment."""
    return {
        "BARDTUNE_EVENT": event,
        "BARDTUNE_STUDY": record.name,
        "BARDTUNE_TEXT": text,
        "BARDTUNE_STATE": record.state,
        "BARDTUNE_STOP_REASON": record.stop_reason or "",
        "BARDTUNE_RUNS": str(len(record.runs)),
        "BARDTUNE_PLANNED": str(record.plan.trials),
        "BARDTUNE_STORAGE": record.storage,
    }


def _facts_of_end(record: StudyRecord) -> dict[str, str]:
    verdict = verdict_of(record)
    facts = facts_of(record, "end", f"study {record.name}: {state_text(record)}")
    if verdict.winner is not None:
        facts["BARDTUNE_TRIAL"] = str(verdict.winner.number)
        facts["BARDTUNE_PARAMS"] = json.dumps(verdict.winner.params)
        facts["BARDTUNE_BPB"] = bpb_text(verdict.bpb)
        luck = "" if verdict.confirmed is not None else " (one run)"
        facts["BARDTUNE_TEXT"] += f", {verdict.winner.label} reaches {bpb_text(verdict.bpb)} bpb{luck}"
    if verdict.test_bpb is not None:
        facts["BARDTUNE_TEST_BPB"] = bpb_text(verdict.test_bpb)
    return facts

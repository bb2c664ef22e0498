"""Commands of the user's that are told of a study: of a new best trial, and of its end."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, cast

from bardtune.data.errors import UserError
from bardtune.search.terminal.lines import View, find_run, new_best_line
from bardtune.studies.analysis.phrases import bpb_text, state_text
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.records import StudyRecord

LIMIT_S = 60.0  # that a command may take
SHELL = ["/bin/sh", "-c"] if os.name == "posix" else ["cmd", "/c"]


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
        self.said: queue.SimpleQueue[str] = queue.SimpleQueue()  # what went wrong
        self.present: threading.Thread | None = None
        self.waiting: dict[str, str] | None = None  # the facts of a new best, while the command runs for one before
        self.lock = threading.Lock()

    def view(self, view: View) -> View:
        """The view, which also has the commands run."""
        return view if self.on_best is None else cast(View, HookedView(view, self))

    def best(self, record: StudyRecord, run_id: str, text: str) -> None:
        """A search trial is the best so far."""
        run = find_run(record, run_id)
        if self.on_best is None or run is None:
            return
        facts = facts_of(record, "best", text)
        facts |= {"BARDTUNE_TRIAL": str(run.number), "BARDTUNE_BPB": bpb_text(run.val_bpb)}
        facts["BARDTUNE_PARAMS"] = json.dumps(run.params)
        with self.lock:
            if self.present is not None and self.present.is_alive():
                self.waiting = facts
                return
            self.present = threading.Thread(target=self._follow, args=(self.on_best, facts), daemon=True)
            self.present.start()

    def end(self, record: StudyRecord, say: Callable[[str], None]) -> None:
        """The study is over, or stopped; waits for the commands, whose time is bounded."""
        if self.present is not None:
            self.present.join(2 * self.limit_s)
        if self.on_end is not None:
            verdict = verdict_of(record)
            facts = facts_of(record, "end", f"study {record.name}: {state_text(record)}")
            if verdict.winner is not None:
                facts["BARDTUNE_TRIAL"] = str(verdict.winner.number)
                facts["BARDTUNE_PARAMS"] = json.dumps(verdict.winner.params)
                facts["BARDTUNE_BPB"] = bpb_text(verdict.bpb)
                facts["BARDTUNE_TEXT"] += f", {verdict.winner.label} reaches {bpb_text(verdict.bpb)} bpb"
            if verdict.test_bpb is not None:
                facts["BARDTUNE_TEST_BPB"] = bpb_text(verdict.test_bpb)
            self._run("--on-end", self.on_end, facts)
        for text in self.heard():
            say(text)

    def heard(self) -> list[str]:
        """What is to be told of commands that went wrong."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self.said.get_nowait())
        return found

    def _follow(self, command: str, facts: dict[str, str] | None) -> None:
        while facts is not None:
            self._run("--on-best", command, facts)
            with self.lock:
                facts, self.waiting = self.waiting, None
                if facts is None:
                    self.present = None

    def _run(self, name: str, command: str, facts: dict[str, str]) -> None:
        try:
            process = subprocess.Popen(
                [*SHELL, command],
                env={**os.environ, **facts},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as problem:
            self.said.put(f"{name} could not be run: {problem.strerror}")
            return
        try:
            _, errors = process.communicate(timeout=self.limit_s)
        except subprocess.TimeoutExpired:
            self.said.put(f"{name} was ended: it took more than {self.limit_s:g} s")
            return
        finally:
            _end_group(process)
        if process.returncode:
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            self.said.put(f"{name} has failed with exit code {process.returncode}{': ' + last[0] if last else ''}")


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
        for text in self.hooks.heard():
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
    }


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """Whatever the command has left behind ends with it."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stderr is not None:
        process.stderr.close()

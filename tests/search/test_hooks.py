"""Commands of the user's that are told of a study."""

import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from bardtune.data.errors import UserError
from bardtune.search.terminal.hooks import Hooks
from support.fakes import SilentView
from support.study_records import make_record, make_trial


class Heard(SilentView):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def said(self, text: str) -> None:
        self.texts.append(text)


def wait_for(path: Path, seconds: float = 20.0) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text()
        time.sleep(0.02)
    raise AssertionError(f"{path} does not come")


def test_a_new_best_is_told_with_its_facts_and_a_worse_trial_is_not(tmp_path: Path) -> None:
    out = tmp_path / "out"
    hooks = Hooks(f'echo "$BARDTUNE_EVENT $BARDTUNE_STUDY $BARDTUNE_TRIAL $BARDTUNE_BPB" > {out}; echo >> {out}')
    view, inner = hooks.view(Heard()), Heard()
    good, bad = make_trial(0, 2.1), make_trial(1, 2.4)
    view.run_ended("search-0000", make_record(good))
    assert wait_for(out).split() == ["best", make_record().name, "0", "2.1000"]
    hooks.end(make_record(good), inner.said, stopped=lambda: False)
    out.unlink()
    view.run_ended("search-0001", make_record(good, bad))
    hooks.end(make_record(good, bad), inner.said, stopped=lambda: False)
    assert not out.exists()
    assert inner.texts == []


def test_the_end_is_told_with_the_winner(tmp_path: Path) -> None:
    out, heard = tmp_path / "out", Heard()
    command = f'printf "%s|%s|%s|%s" "$BARDTUNE_EVENT" "$BARDTUNE_BPB" "$BARDTUNE_PARAMS" "$BARDTUNE_TEXT" > {out}'
    trial = make_trial(3, 2.1)
    Hooks(None, command).end(make_record(trial), heard.said, stopped=lambda: False)
    event, bpb, params, text = out.read_text().split("|")
    assert (event, bpb, json.loads(params)) == ("end", "2.1000", trial.params)
    assert text.endswith("trial 3 reaches 2.1000 bpb (one run)")
    assert heard.texts == []


def test_what_fails_or_takes_too_long_is_said_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    heard, pid = Heard(), tmp_path / "pid"
    Hooks(None, "echo sorry >&2; exit 3").end(make_record(), heard.said, stopped=lambda: False)
    began = time.monotonic()
    command = f"sleep 600 & echo $! > {pid}; sleep 600"
    Hooks(None, command, limit_s=0.5).end(make_record(), heard.said, stopped=lambda: False)
    assert time.monotonic() - began < 5
    assert heard.texts == ["--on-end has failed with exit code 3: sorry", "--on-end was ended: it took more than 0.5 s"]
    assert is_gone(int(pid.read_text()))


def test_of_much_that_a_command_says_the_last_line_is_told_and_nothing_fills_up() -> None:
    heard = Heard()
    command = "yes | head -c 3000000 >&2; echo at last >&2; exit 1"
    Hooks(None, command).end(make_record(), heard.said, stopped=lambda: False)
    assert heard.texts == ["--on-end has failed with exit code 1: at last"]


def test_a_command_that_cannot_be_ended_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, kill = Heard(), os.killpg
    monkeypatch.setattr("bardtune.search.terminal.hooks.LET_GO_S", 0.2)
    monkeypatch.setattr(os, "killpg", lambda pid, number: None)  # as if it were another user's
    hooks = Hooks(None, "exec sleep 600", limit_s=0.2)
    processes = []
    begin = hooks._begin
    monkeypatch.setattr(hooks, "_begin", lambda *args: processes.append(begin(*args)) or processes[-1])
    began = time.monotonic()
    hooks.end(make_record(), heard.said, stopped=lambda: False)
    assert time.monotonic() - began < 10
    assert heard.texts == ["--on-end took more than 0.2 s and cannot be ended; it is left alone"]
    kill(processes[0].process.pid, signal.SIGKILL)


def test_nobody_waits_for_a_command_who_asks_to_stop_once_more_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    pid, began = tmp_path / "pid", time.monotonic()
    command = f"echo $$ > {pid}; exec sleep 600"
    Hooks(None, command).end(make_record(), print, stopped=lambda: pid.exists() and pid.read_text() != "")
    assert time.monotonic() - began < 10
    assert is_gone(int(pid.read_text()))


def is_gone(pid: int) -> bool:
    """Whether a process has ended; what is left of it may wait for whoever inherits it."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_of_bests_that_come_faster_than_the_command_the_last_is_told(tmp_path: Path) -> None:
    out, go = tmp_path / "out", tmp_path / "go"
    hooks = Hooks(f"echo $BARDTUNE_TRIAL >> {out}; while [ ! -e {go} ]; do sleep 0.05; done")
    trials = [make_trial(number, 2.5 - number / 10) for number in range(5)]
    for number in range(5):
        hooks.view(SilentView()).run_ended(f"search-{number:04d}", make_record(*trials[: number + 1]))
    wait_for(out)
    go.touch()
    hooks.end(make_record(*trials), print, stopped=lambda: False)
    assert out.read_text().split() == ["0", "4"]


def test_an_empty_command_is_refused() -> None:
    with pytest.raises(UserError, match="--on-best is empty"):
        Hooks(" ")

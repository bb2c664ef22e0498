"""Watching a study: what is told, how it looks from 60 to 200 columns, and that the writer is left alone."""

import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from rich.console import Console

from bardtune.search.commands.watch import Watcher
from bardtune.search.terminal.lines import LineView
from bardtune.search.terminal.live import LiveView
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord, TrialRecord
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study
from support.fakes import ScriptedLauncher, falling_to, text_of
from support.studies_at_hand import make_study, run_study, storage_at
from support.study_records import curve_to, make_record, make_trial, planted_record

BARDTUNE = [sys.executable, "-P", "-m", "bardtune"]
WIDTHS = [60, 80, 120, 200]


class Notes:
    """A view that notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *said: self.heard.append((name, *(part for part in said if not isinstance(part, StudyRecord))))

    def named(self, *names: str) -> list[tuple[Any, ...]]:
        return [each for each in self.heard if each[0] in names]


class Clock:
    """A second passes with each sleep of one."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def record_of(*trials: TrialRecord, state: str = "running", **changes: Any) -> StudyRecord:
    plan = StudyPlan(trials=9, seconds=20.0)
    return make_record(*trials, **{"plan": plan, "state": state, "stop_reason": None, **changes})


def follow(*records: StudyRecord) -> tuple[StudyRecord, Notes]:
    """What a view is told while these are read one after the other."""
    notes, clock, left = Notes(), Clock(), iter(records)
    return Watcher(lambda: next(left), notes, now=clock.now, sleep=clock.sleep).follow(), notes


def going(number: int, percent: int = 0) -> TrialRecord:
    curve = curve_to(2.3, percent) if percent else ()
    return replace(make_trial(number, 2.3, ended="running"), curve=curve, started=datetime.now(), ended=None)


def test_a_watcher_tells_beginnings_reports_and_ends_of_what_happens_from_now_on() -> None:
    ended, notes = follow(
        record_of(make_trial(0, 2.4), going(1)),
        record_of(make_trial(0, 2.4), going(1, 40)),
        record_of(make_trial(0, 2.4), make_trial(1, 2.3), going(2)),
        record_of(make_trial(0, 2.4), make_trial(1, 2.3), make_trial(2, 2.5), state="finished"),
    )
    told = notes.named("run_began", "measured", "run_ended", "close")
    assert ended.state == "finished"
    assert told == [
        ("run_began", "search-0001"),
        ("measured", "search-0001", 40, curve_to(2.3, 40)[-1][1]),
        ("run_ended", "search-0001"),
        ("run_began", "search-0002"),
        ("run_ended", "search-0002"),
        ("close",),
    ]


def test_a_trial_between_two_readings_is_told_all_the_same() -> None:
    _, notes = follow(record_of(going(0)), record_of(make_trial(0), make_trial(1), state="finished"))
    assert notes.named("run_ended") == [("run_ended", "search-0000"), ("run_ended", "search-0001")]


def test_between_reports_the_clock_is_estimated_and_never_beyond_the_budget() -> None:
    _, notes = follow(*[record_of(going(0, 50))] * 20, record_of(make_trial(0), state="finished"))
    elapsed = [beat[2] for beat in notes.named("heartbeat")]
    assert elapsed[0] == 10.0
    assert elapsed == sorted(elapsed)
    assert elapsed[-1] == 20.0
    assert {beat[3] for beat in notes.named("heartbeat")} == {None}  # nobody knows how many steps


def test_a_study_that_nobody_runs_is_not_watched() -> None:
    for state in ("finished", "interrupted"):
        record, notes = follow(record_of(make_trial(0), state=state))
        assert (record.state, notes.heard) == (state, [])


def test_the_view_is_closed_when_the_watcher_is_interrupted() -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    notes = Notes()
    with pytest.raises(KeyboardInterrupt):
        Watcher(lambda: record_of(going(0)), notes, sleep=interrupted).follow()
    assert notes.heard[-1] == ("close",)


# How it looks


def drawn(width: int, *, is_guest: bool = True) -> list[str]:
    """The lines of the picture of a study with a running trial of seven parameters, without colours."""
    full = planted_record(12)
    trial = replace(full.search_runs[5], state="running", ending=None, val_bpb=None, number=12)
    record = replace(
        full, state="running", search_runs=(*full.search_runs, trial), plan=StudyPlan(trials=50, seconds=180.0)
    )
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=True)
    view = LiveView(console, is_guest=is_guest, record=record)
    view.run_began(trial.run_id, record)
    view.heartbeat(trial.run_id, 71.8, None if is_guest else 812)
    view.measured(trial.run_id, 40, 2.31)
    return ["".join(part.text for part in line).rstrip() for line in console.render_lines(view.picture())]


@pytest.mark.parametrize("is_guest", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_picture_fits_and_says_everything_at_any_width(width: int, is_guest: bool) -> None:
    lines = drawn(width, is_guest=is_guest)
    text = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= width
    for fact in ("trial 12", "72 of 180 s", "2.3100 bpb at 40 %", "best so far: trial", "baseline 2.2770", "Ctrl-C"):
        assert fact in text, f"{fact!r} is missing at {width} columns"
    assert "history_depth=" in text
    assert "…" not in text


def test_what_is_not_known_is_not_said() -> None:
    assert "about 72 of 180 s" in "".join(drawn(120))
    assert "step" not in "".join(drawn(120))
    assert "72 of 180 s, step 812" in "".join(drawn(120, is_guest=False))


def said_of(console: Console, record: StudyRecord, run: TrialRecord) -> list[str]:
    with console.capture() as caught:
        LineView(console).run_ended(run.run_id, record)
    return caught.get().splitlines()


def test_a_new_best_gets_a_line() -> None:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    trials = [make_trial(0, 2.4), make_trial(1, 2.3), make_trial(2, 2.35)]
    first, better = record_of(*trials[:1]), record_of(*trials[:2])
    assert said_of(console, first, trials[0])[1] == "first result: trial 0, 2.4000 bpb"
    assert said_of(console, better, trials[1])[1] == (
        "new best: trial 1, 2.3000 bpb, 0.1000 lower than trial 0 (one run each)"
    )
    assert len(said_of(console, record_of(*trials), trials[2])) == 1


def test_lines_wrap_on_a_terminal_and_never_in_a_pipe() -> None:
    record = planted_record(12)
    for width in WIDTHS:
        terminal = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=True)
        lines = said_of(terminal, record, record.search_runs[3])
        assert max(map(len, lines)) <= width
    piped = said_of(Console(file=io.StringIO(), width=60), record, record.search_runs[3])
    assert len(piped) == 1 + (record.best is record.search_runs[3])


# Beside a real writer


def test_a_reader_cannot_write_and_a_writer_does_not_wait_for_it(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, trials=2)
    reader = ReadOnlyStorage(f"sqlite:///{tmp_path / 'studies.db'}")
    with reader.engine.connect() as reading:
        reading.execute(sqlalchemy.text("SELECT * FROM studies")).fetchone()  # and its transaction stays open
        with sqlite3.connect(tmp_path / "studies.db", timeout=0) as writing:
            writing.execute("UPDATE bardtune_coordinators SET seconds_used = 7")
        with pytest.raises(sqlalchemy.exc.OperationalError, match="readonly"):
            reading.execute(sqlalchemy.text("DELETE FROM studies"))
    run_study(storage, tmp_path, ScriptedLauncher(lambda order: falling_to(2.0)))
    assert read_study(reader, "s").state == "finished"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    return tmp_path


@pytest.fixture
def study(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A running study of three short trials, already stored."""
    options = ["--corpus", "text.txt", "--space", "reference", "--threads", "1", "--confirm", "0"]
    options += ["--sampler", "random", "--pruner", "none"]
    process = subprocess.Popen(
        [*BARDTUNE, "start", "s", *options, "--trials", "3", "--seconds", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        if subprocess.run([*BARDTUNE, "show", "s"], capture_output=True).returncode == 0:
            break
    yield process
    process.kill()
    process.wait()


def test_a_running_study_is_watched_to_its_end(study: subprocess.Popen[str]) -> None:
    early, late = (
        subprocess.Popen([*BARDTUNE, "watch", "s"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    assert early.stderr is not None
    assert "3 trials of 2 s" in early.stderr.readline()
    early.send_signal(signal.SIGINT)
    assert "the study s goes on" in early.communicate(timeout=30)[1]
    assert early.returncode == 130
    out, errors = late.communicate(timeout=120)
    assert late.returncode == 0, errors
    assert "study s: finished (all trials made), 3 of 3 trials" in out
    assert "trial 2 " in errors
    assert "\x1b" not in errors  # plain lines in a pipe
    said = study.communicate(timeout=60)[0]
    assert study.returncode == 0
    assert "locked" not in said


def test_a_study_whose_owner_was_killed_is_said_to_have_nobody(study: subprocess.Popen[str]) -> None:
    watcher = subprocess.Popen([*BARDTUNE, "watch", "s"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watcher.stderr is not None
    watcher.stderr.readline()
    os.kill(study.pid, signal.SIGKILL)
    study.wait()
    out, err = watcher.communicate(timeout=60)
    assert watcher.returncode == 130
    assert "nobody is running the study s" in err
    assert "continue with: bardtune resume s" in out

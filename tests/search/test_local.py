"""Real trial processes on this machine; each costs the seconds that importing torch takes."""

import os
import signal
import time
from pathlib import Path

import pytest

from bardtune.search.launch.local import LocalLauncher
from bardtune.search.launch.piped import LauncherError
from bardtune.search.launch.processes import KILL_AFTER_S
from bardtune.search.launch.protocol import Ended, Heartbeat, Measured, RunOrder
from support.fakes import text_of
from support.paths import ROOT
from support.workers_at_hand import order, pid_of, until


@pytest.fixture
def corpus_path(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(text_of(20_000))
    return path


@pytest.fixture
def launcher(tmp_path: Path):
    launcher = LocalLauncher(workers=1, threads=1, logs=[tmp_path / "log"])
    yield launcher
    launcher.close()


def test_a_process_trains_is_kept_is_interrupted_continues_and_is_replaced_when_it_dies(
    launcher: LocalLauncher, corpus_path: Path
) -> None:
    # One process for all of it: what it may do between runs is what this is about.
    launcher.start(order(corpus_path, "first", 0.5))
    *_, ended = until(launcher, Ended)
    assert isinstance(ended, Ended)
    assert (ended.ending, ended.stats["threads"]) == ("finished", 1)
    assert ended.val_bpb is not None
    assert ended.val_bpb < 8
    pid = pid_of(launcher)

    launcher.start(order(corpus_path, "second", 600.0))
    until(launcher, Heartbeat)
    assert pid_of(launcher) == pid
    launcher.stop("second", "interrupted")
    *_, ended = until(launcher, Ended)
    assert isinstance(ended, Ended)
    assert ended.ending == "interrupted"
    assert (corpus_path.parent / "second.pt").exists()
    steps = ended.stats["steps"]

    launcher.start(order(corpus_path, "second", 600.0))
    heard = until(launcher, Heartbeat)
    assert heard[0].doing == "counting the text"
    heard = until(launcher, Heartbeat)
    assert next(event.step for event in heard if isinstance(event, Heartbeat)) > steps
    launcher.stop("second", "pruned")
    assert until(launcher, Ended)[-1].ending == "pruned"

    launcher.start(order(corpus_path, "third", 600.0))
    until(launcher, Heartbeat)
    os.kill(pid_of(launcher), signal.SIGKILL)
    *_, ended = until(launcher, Ended)
    assert isinstance(ended, Ended)
    assert ended.ending == "crashed"
    assert (ended.reason or "").startswith("its process was killed (SIGKILL)")

    launcher.start(order(corpus_path, "fourth", 0.3))
    heard = until(launcher, Ended)
    assert heard[-1].ending == "finished"
    assert [event.percent for event in heard if isinstance(event, Measured)][-1] == 100
    assert pid_of(launcher) != pid


@pytest.mark.long
def test_a_run_that_works_may_go_on_up_to_what_the_study_has_left(launcher: LocalLauncher, corpus_path: Path) -> None:
    launcher.start(order(corpus_path, "long", 600.0, limit_s=1.0, most_s=12.0))
    began = time.monotonic()
    *_, ended = until(launcher, Ended)
    assert isinstance(ended, Ended)
    assert ended.ending == "crashed"
    assert "outer limit of 12 s, what the study had left" in (ended.reason or "")
    assert time.monotonic() - began > 11.0


HANGS = """
import threading, time
from bardtune.model.training import trainer
def hang(*args, **named):
    while True:
        time.sleep(1)
if trainer.TrainingRun.__module__:
    trainer.TrainingRun.events = hang
"""


@pytest.mark.long
def test_a_process_that_hangs_is_ended_at_the_outer_limit_and_replaced(
    tmp_path: Path, corpus_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bardtune.search.launch.limit.LOOK_S", 2.0)
    (tmp_path / "hangs").mkdir()
    (tmp_path / "hangs" / "sitecustomize.py").write_text(HANGS)
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "hangs"), str(ROOT)]))
        launcher = LocalLauncher(workers=1, threads=1, logs=[tmp_path / "log"])
    try:
        launcher.start(order(corpus_path, "hangs", 600.0, limit_s=8.0))
        pid = pid_of(launcher)
        *_, ended = until(launcher, Ended)
        assert isinstance(ended, Ended)
        assert ended.ending == "crashed"
        assert "outer limit of 8 s" in (ended.reason or "")
        assert "no longer working" in (ended.reason or "")
        launcher.start(order(corpus_path, "next", 0.3))
        assert until(launcher, Ended)[-1].ending == "finished"
        assert not Path(f"/proc/{pid}").exists()
    finally:
        launcher.close()


def test_a_segmentation_fault_has_its_name(launcher: LocalLauncher, corpus_path: Path) -> None:
    launcher.start(order(corpus_path, "faulty", 600.0))
    until(launcher, Heartbeat)
    os.kill(pid_of(launcher), signal.SIGSEGV)
    *_, ended = until(launcher, Ended)
    assert isinstance(ended, Ended)
    assert (ended.ending, ended.reason) == ("crashed", "its process died of SIGSEGV")


NOISE = """
import os, threading, time
def shout():
    while True:
        os.write(1, b'{"event": "ended", "run_id": "noisy", "ending": "finished", "val_bpb": 0.0}\\nloss 7')
        time.sleep(0.01)
threading.Thread(target=shout, daemon=True).start()
"""


def test_what_a_library_prints_goes_to_the_log_and_is_never_taken_for_an_event(
    tmp_path: Path, corpus_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "sitecustomize.py").write_text(NOISE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "noise"))
    launcher = LocalLauncher(workers=1, threads=1, logs=[tmp_path / "log"])
    try:
        launcher.start(order(corpus_path, "noisy", 0.3))
        *_, ended = until(launcher, Ended)
    finally:
        launcher.close()
    assert isinstance(ended, Ended)
    assert ended.ending == "finished"
    assert ended.val_bpb is not None
    assert ended.val_bpb > 0
    assert "loss 7" in (tmp_path / "log").read_text()


def test_what_cannot_be_trained_is_a_crash_with_its_reason_and_the_process_lives_on(
    launcher: LocalLauncher, corpus_path: Path
) -> None:
    good = order(corpus_path, "a", 0.3)
    launcher.start(RunOrder(**{name: getattr(good, name) for name in RunOrder.__slots__} | {"corpus_sha256": "0"}))
    ended = until(launcher, Ended)[-1]
    assert (ended.ending, "has changed since" in ended.reason) == ("crashed", True)
    facts = {name: getattr(good, name) for name in RunOrder.__slots__}
    launcher.start(RunOrder(**facts | {"settings": {**good.settings, "d_model": None}}))
    ended = until(launcher, Ended)[-1]
    assert ended.ending == "crashed"
    assert ended.reason
    launcher.start(order(corpus_path, "b", 0.3, learning_rate=1.0, grad_clip=0.0, precision="fp32"))
    assert until(launcher, Ended)[-1].ending in ("finished", "diverged")


def test_a_process_dies_with_its_coordinator(launcher: LocalLauncher, corpus_path: Path) -> None:
    launcher.start(order(corpus_path, "orphan", 600.0))
    until(launcher, Heartbeat)
    process = launcher.workers[0].process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()  # what the system does when the coordinator is killed
    assert process.wait(10) == 0


def test_workers_that_all_hang_are_ended_together_and_not_one_after_the_other(tmp_path: Path) -> None:
    launcher = LocalLauncher(workers=4, threads=1, logs=[tmp_path / f"log{index}" for index in range(4)])
    processes = [worker.process for worker in launcher.workers]
    for process in processes:
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
    began = time.monotonic()
    launcher.close()
    assert time.monotonic() - began < 2 * KILL_AFTER_S
    assert [process.returncode for process in processes if process is not None] == [-signal.SIGKILL] * 4


def test_a_process_that_the_system_does_not_start_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    with pytest.raises(LauncherError, match=r"Not a directory; put that right .* and resume the study"):
        LocalLauncher(workers=1, threads=1, logs=[tmp_path / "in the way" / "logs" / "log"])

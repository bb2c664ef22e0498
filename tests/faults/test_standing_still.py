"""Time in which bardtune did not run is nobody's: not the budget's, not a limit's, not the study's."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bardtune.search.launch.local import LocalLauncher
from bardtune.search.launch.protocol import Ended, Heartbeat
from support.at_hand import Place, children, wait_until
from support.fakes import text_of
from support.workers_at_hand import order, pid_of, until

LONG_S = 8.0  # much longer than a gap that is not noticed


def is_stopped(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


@pytest.mark.long
def test_a_coordinator_that_was_stopped_counts_the_run_that_finished_meanwhile(place: Place) -> None:
    process = place.start("s", trials=1, seconds=3, hours=0.005)
    wait_until(lambda: any((place.home / "checkpoints").rglob("*.pt")))
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(25.0)  # the hours, and so its outer limit, are 18 s
    os.kill(process.pid, signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    state = place.shown("s")
    assert (process.returncode, state["state"], state["trials"]["complete"]) == (0, "finished", 1), errors
    assert state["seconds_used"] < 18


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[LocalLauncher]:
    launcher = LocalLauncher(workers=1, threads=1, logs=[tmp_path / "log"])
    yield launcher
    launcher.close()


@pytest.fixture
def corpus_path(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(text_of(20_000))
    return path


@pytest.mark.long
def test_a_worker_that_was_stopped_has_trained_for_its_whole_budget(launcher: LocalLauncher, corpus_path: Path) -> None:
    launcher.start(order(corpus_path, "stopped", 3.0))
    until(launcher, Heartbeat)
    os.kill(pid_of(launcher), signal.SIGSTOP)
    end = time.monotonic() + LONG_S
    while time.monotonic() < end:
        launcher.events(0.2)
    os.kill(pid_of(launcher), signal.SIGCONT)
    ended = until(launcher, Ended)[-1]
    assert isinstance(ended, Ended)
    assert ended.ending == "finished"
    assert 2.0 < ended.stats["seconds"]["train"] < 3.5


@pytest.mark.long
def test_a_run_whose_worker_stays_stopped_is_interrupted_and_its_process_replaced(
    launcher: LocalLauncher, corpus_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bardtune.search.launch.limit.STOPPED_FOR_S", 2.0)
    launcher.start(order(corpus_path, "stays", 600.0))
    until(launcher, Heartbeat)
    pid = pid_of(launcher)
    os.kill(pid, signal.SIGSTOP)
    ended = until(launcher, Ended)[-1]
    assert isinstance(ended, Ended)
    assert ended.ending == "interrupted"
    assert "stopped by somebody" in (ended.reason or "")
    launcher.start(order(corpus_path, "next", 0.3))
    assert until(launcher, Ended)[-1].ending == "finished"
    assert pid_of(launcher) != pid


@pytest.mark.long
def test_ctrl_z_rests_the_training_too_and_fg_goes_on(place: Place) -> None:
    process = place.start("s", trials=1, seconds=4, hours=0.1, own_session=False)
    wait_until(lambda: any((place.home / "checkpoints").rglob("*.pt")))
    (worker,) = children(process.pid)
    os.kill(process.pid, signal.SIGTSTP)
    wait_until(lambda: is_stopped(process.pid) and is_stopped(worker))
    time.sleep(LONG_S)
    os.kill(process.pid, signal.SIGCONT)
    _, errors = process.communicate(timeout=120)
    state = place.shown("s")
    assert (process.returncode, state["trials"]["complete"]) == (0, 1), errors
    assert state["runs"][0]["stats"]["seconds"]["train"] < 4.5


@pytest.mark.long
def test_a_stopped_worker_can_be_asked_to_save(place: Place) -> None:
    process = place.start("s", trials=1, seconds=60, hours=0.1)
    wait_until(lambda: any((place.home / "checkpoints").rglob("*.pt")))
    (worker,) = children(process.pid)
    os.kill(worker, signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert place.shown("s")["trials"]["interrupted"] == 1


@pytest.mark.long
def test_an_interrupt_in_the_first_second_is_neither_lost_nor_a_traceback(place: Place) -> None:
    """From the moment on in which Python has begun; before, it ends or goes on as it likes."""
    place.at_every_start(f"import os; open(f'{place.folder}/begun-{{os.getpid()}}', 'w').close()")
    for wait_s in (0.0, 0.1, 0.3, 0.6, 1.0, 2.0):
        process = place.start(f"s{wait_s}".replace(".", "-"), trials=1, seconds=600, hours=1)
        wait_until((place.folder / f"begun-{process.pid}").exists)
        time.sleep(wait_s)
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"an interrupt after {wait_s} s was lost") from None
        if process.returncode == 130:
            assert "Traceback" not in errors, (wait_s, errors)
        else:  # it was not yet in ours
            assert "__main__.py" not in errors, (wait_s, errors)

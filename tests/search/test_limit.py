"""When a process has had its time."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bardtune.search.launch import limit as module
from bardtune.search.launch.limit import LOOK_S, SILENT_S, STOPPED_FOR_S, Limit
from support.at_hand import wait_until

SLEEPS = "import time; print(flush=True); time.sleep(600)"
WORKS = "print(flush=True)\nwhile True: pass"


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    begun: list[subprocess.Popen[bytes]] = []
    yield begun
    for process in begun:
        process.kill()
        process.communicate()


def begun(processes: list[subprocess.Popen[bytes]], program: str) -> int:
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    processes.append(process)
    assert process.stdout is not None
    process.stdout.readline()
    return process.pid


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_within_its_limit_nothing_has_passed(processes) -> None:
    clock = Clock()
    limit = Limit(begun(processes, SLEEPS), limit_s=10.0, most_s=100.0, clock=clock)
    clock.now_s = 9.0
    assert limit.passed() is None


def test_a_process_that_does_nothing_past_its_limit_is_idle(processes) -> None:
    clock = Clock()
    limit = Limit(begun(processes, SLEEPS), limit_s=10.0, most_s=100.0, clock=clock)
    clock.now_s = 11.0
    assert limit.passed() is None  # it is looked at
    clock.now_s += LOOK_S + 1
    assert limit.passed() == "idle"


def test_a_process_that_works_goes_on_up_to_the_most(processes, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, cpu_s = Clock(), iter(range(1000))
    limit = Limit(begun(processes, SLEEPS), limit_s=10.0, most_s=100.0, clock=clock)
    monkeypatch.setattr(limit, "_cpu_s", lambda: float(next(cpu_s)))
    for now_s in (11.0, 32.0, 53.0, 74.0, 95.0):
        clock.now_s = now_s
        assert limit.passed() is None
    clock.now_s = 101.0
    assert limit.passed() == "over"


def test_working_is_seen_in_the_processs_own_cpu_seconds(processes) -> None:
    limit = Limit(begun(processes, WORKS), limit_s=10.0, most_s=100.0)
    before_s = limit._cpu_s()
    wait_until(lambda: limit._cpu_s() > before_s + 0.05)


def test_what_works_and_says_nothing_for_long_is_lost(processes, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, cpu_s = Clock(), iter(range(10_000))
    limit = Limit(begun(processes, SLEEPS), limit_s=10.0, most_s=10_000.0, clock=clock)
    monkeypatch.setattr(limit, "_cpu_s", lambda: float(next(cpu_s)))
    clock.now_s = 200.0
    assert limit.passed() is None
    limit.heard()
    clock.now_s += SILENT_S
    assert limit.passed() is None
    clock.now_s += LOOK_S + 1
    assert limit.passed() == "idle"


def test_a_process_that_has_ended_before_is_no_error() -> None:
    clock = Clock()
    limit = Limit(2**22 + 1, limit_s=10.0, clock=clock)
    assert limit.passed() is None
    clock.now_s = 11.0
    assert limit.passed() == "over"


def test_without_a_most_the_limit_holds_whatever_it_does(processes) -> None:
    clock = Clock()
    limit = Limit(begun(processes, WORKS), limit_s=10.0, clock=clock)
    clock.now_s = 11.0
    assert limit.passed() == "over"


def test_what_was_asked_to_end_has_its_seconds_and_no_more(processes) -> None:
    clock = Clock()
    limit = Limit(begun(processes, WORKS), limit_s=1000.0, most_s=2000.0, clock=clock)
    limit.end_within(5.0)
    clock.now_s = 6.0
    assert limit.passed() == "over"


def test_time_in_which_it_is_stopped_does_not_count_up_to_a_point(processes) -> None:
    clock = Clock()
    pid = begun(processes, SLEEPS)
    limit = Limit(pid, limit_s=10.0, clock=clock)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: limit.process.status() == module.psutil.STATUS_STOPPED)
    for _ in range(50):
        clock.now_s += 1.0
        assert limit.passed() is None
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: limit.process.status() != module.psutil.STATUS_STOPPED)
    clock.now_s += 9.0
    assert limit.passed() is None
    clock.now_s += 2.0
    assert limit.passed() == "over"


def test_a_process_that_stays_stopped_must_end(processes) -> None:
    clock = Clock()
    pid = begun(processes, SLEEPS)
    limit = Limit(pid, limit_s=1000.0, clock=clock)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: limit.process.status() == module.psutil.STATUS_STOPPED)
    clock.now_s += STOPPED_FOR_S + 1.0
    assert limit.passed() == "stopped"

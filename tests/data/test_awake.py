"""A clock that stands still while its process does."""

import os
import signal
import subprocess
import sys
import time

import pytest

from bardtune.data.awake import BEAT_S, GAP_S, AwakeClock, awake_at, awake_s, sleep_awake


class Times:
    """An ordinary clock and the CPU time of a process, both moved by hand."""

    def __init__(self) -> None:
        self.now_s, self.cpu_s = 1000.0, 5.0

    def pass_(self, seconds: float, *, cpu_s: float = 0.0) -> None:
        self.now_s += seconds
        self.cpu_s += cpu_s


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def clock(times: Times) -> AwakeClock:
    return AwakeClock(lambda: times.now_s, lambda: times.cpu_s, num_cores=2)


def test_short_gaps_count(clock: AwakeClock, times: Times) -> None:
    for _ in range(10):
        times.pass_(GAP_S / 2)
        clock()
    assert clock() == pytest.approx(1000.0 + 5 * GAP_S)


def test_a_gap_in_which_the_process_was_not_run_does_not_count(clock: AwakeClock, times: Times) -> None:
    times.pass_(42.0, cpu_s=0.1)
    assert clock() == pytest.approx(1000.0)
    times.pass_(1.0)
    assert clock() == pytest.approx(1001.0)


def test_a_gap_in_which_the_process_computed_counts(clock: AwakeClock, times: Times) -> None:
    times.pass_(42.0, cpu_s=41.0)  # a thread that lets no other run
    assert clock() == pytest.approx(1042.0, abs=0.1)


def test_a_moment_between_two_gaps_is_told_as_it_was(clock: AwakeClock, times: Times) -> None:
    times.pass_(100.0)
    clock()
    times.pass_(2.0)
    between = times.now_s
    clock()
    times.pass_(100.0)
    clock()
    assert clock.at(between) == pytest.approx(1002.0)
    assert clock.at(1000.0) == clock.at(1050.0) == 1000.0  # within a gap it stands still
    assert clock.at(times.now_s) == pytest.approx(1002.0)


def test_what_many_threads_computed_before_a_stop_does_not_hide_it(times: Times) -> None:
    clock = AwakeClock(lambda: times.now_s, lambda: times.cpu_s, num_cores=64)
    times.pass_(8.0, cpu_s=64 * BEAT_S)
    assert clock() == pytest.approx(1000.0)


def test_it_is_the_ordinary_clock_until_something_happens() -> None:
    assert awake_s() == pytest.approx(time.monotonic(), abs=0.1)
    assert awake_at(time.monotonic()) == pytest.approx(awake_s(), abs=0.1)


STOPPED = """
import sys, time
from bardtune.data.awake import awake_s
began, awake = time.monotonic(), awake_s()
print("ready", flush=True)
sys.stdin.readline()
print(time.monotonic() - began, awake_s() - awake, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="stops a process")
def test_a_process_that_was_stopped_has_not_lived_meanwhile() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(GAP_S + 2.0)
        os.kill(process.pid, signal.SIGCONT)
        process.stdin.write("\n")
        process.stdin.flush()
        passed_s, awake = map(float, process.stdout.readline().split())
    assert passed_s > GAP_S + 2.0
    assert awake < 2.0


def test_sleeping_takes_as_long_as_it_says() -> None:
    began = awake_s()
    sleep_awake(0.2)
    assert 0.2 <= awake_s() - began < 5.0

"""A process that bardtune starts does not outlive it (Linux)."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bardtune.search.launch.processes import WORKER_MODULE, other_trainers, thread_variables
from support.at_hand import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
RUN_CHILD = """
import sys
from bardtune.search.launch.child import ChildOrder, run_child
program = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()}\\\\n'); time.sleep(60)"
order = ChildOrder(command=[sys.executable, "-c", program, sys.argv[1]], environment={}, limit_s=60.0)
run_child(order, should_continue=lambda: True, on_output=print)
"""
TOO_LATE = """
from bardtune.search.launch.processes import die_with_parent
die_with_parent(2**22 + 1)
print("lives")
"""


def test_a_child_dies_with_a_bardtune_that_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", RUN_CHILD, str(note)]) as parent:
        child = psutil.Process(int(wait_until(lambda: note.exists() and note.read_text().strip())))
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, seconds=10)


def test_a_child_whose_parent_died_before_the_kernel_was_asked_ends_itself() -> None:
    done = subprocess.run([sys.executable, "-c", TOO_LATE], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_every_numerical_library_is_told_its_threads() -> None:
    assert set(thread_variables(3).values()) == {"3"}
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"} <= set(thread_variables(3))


COORDINATOR = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]])
"""


def test_another_process_that_has_trainings_done_is_seen() -> None:
    process = subprocess.Popen([sys.executable, "-c", COORDINATOR, WORKER_MODULE], start_new_session=True)
    try:
        wait_until(lambda: process.pid in other_trainers())
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.pid not in other_trainers()

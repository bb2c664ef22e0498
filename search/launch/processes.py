"""What all processes that bardtune starts have in common: their threads, and that they live and rest as it does."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
WORKER_MODULE = "bardtune.search.launch.worker"  # the program of a process that trains
KILL_AFTER_S = 3.0  # from asking a process to end to killing it
PR_SET_PDEATHSIG = 1  # see prctl(2)
OOM_SCORE = 500  # of 1000; see proc_pid_oom_score_adj(5)


_groups: set[int] = set()  # of processes that were started here, each in a group of its own


@contextlib.contextmanager
def group_of_ours(group: int) -> Iterator[None]:
    """A process group that rests when this process is told to (Ctrl-Z), which does not reach it by itself."""
    _groups.add(group)
    try:
        yield
    finally:
        _groups.discard(group)


def signal_groups(number: int) -> None:
    """Send a signal to all process groups that were started here and still live."""
    for group in tuple(_groups):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def thread_variables(threads: int) -> dict[str, str]:
    """Environment variables that have numerical libraries use so many threads; read when they are imported."""
    return dict.fromkeys(THREAD_VARIABLES, str(threads))


def other_trainers() -> list[int]:
    """Ids of other processes of this machine that have trainings done, as far as they can be seen."""
    found = set()
    for process in psutil.process_iter(["cmdline", "ppid"]):
        if WORKER_MODULE in (process.info["cmdline"] or ()) and process.info["ppid"] != os.getpid():
            found.add(process.info["ppid"])
    return sorted(found)


def be_killed_first() -> None:
    """Have the kernel, when memory runs out, end this process before the coordinator or what else the user runs."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, also one that is too busy to notice (Linux).

    Args:
        parent: process id of the parent, which may have died before the kernel was asked.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)

"""What all processes that bardtune starts have in common: their threads, and that they do not outlive it."""

import ctypes
import os
import signal
import sys

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
KILL_AFTER_S = 3.0  # from asking a process to end to killing it
PR_SET_PDEATHSIG = 1  # see prctl(2)


def thread_variables(threads: int) -> dict[str, str]:
    """Environment variables that have numerical libraries use so many threads; read when they are imported."""
    return dict.fromkeys(THREAD_VARIABLES, str(threads))


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, also one that is too busy to notice (Linux).

    Args:
        parent: process id of the parent, which may have died before the kernel was asked.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)

"""What the process took from the machine, and what kind of machine it is."""

import contextlib
import ctypes
import resource
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import torch

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


def reset_peak_memory() -> None:
    """Start a new measurement where the system can (Linux); elsewhere the peak is the process's."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def peak_memory_bytes() -> int:
    """Largest resident size since ``reset_peak_memory``, or since the process began."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def keep_freed_memory() -> None:
    """Tell glibc to reuse large freed blocks instead of returning them to the system.

    A training step frees and allocates the same tensors again and again, each with fresh pages from the system
    (benchmarks/allocator.py measures what that costs). For processes that train and do little else.
    Other C libraries are left alone.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mmap_threshold, trim_threshold, top_pad = -3, -1, -2  # parameter numbers from malloc.h
    mallopt(mmap_threshold, 1 << 30)
    mallopt(trim_threshold, (1 << 31) - 1)
    mallopt(top_pad, 256 << 20)


def return_freed_memory() -> None:
    """Give the system back what ``keep_freed_memory`` keeps: after work that took far more than what follows.

    Other C libraries are left alone.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def one_core_each() -> Iterator[ThreadPoolExecutor]:
    """As many threads as torch has, of one core each: for much that cannot be shared out within."""
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # of this thread, and of libraries that know one number for all threads
    try:
        yield _pool_of_single_cores(num_threads)
    finally:
        torch.set_num_threads(num_threads)


@cache
def _pool_of_single_cores(num_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(num_threads, "one core", initializer=torch.set_num_threads, initargs=(1,))

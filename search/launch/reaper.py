"""A process between bardtune and a program of a user's: when either of them ends, so does all that has come of it.

What a program starts in a session of its own is in no group of ours, and outlives it. On Linux such processes are
handed to the nearest ancestor that has asked for them (see PR_SET_CHILD_SUBREAPER in prctl(2)): to this one, which ends
them. Started as ``python -m bardtune.search.launch.reaper PARENT CHANNEL COMMAND...``; the id of the program's own
process goes to the channel.
"""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial

import psutil

from bardtune.search.launch.processes import die_with_parent

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # see prctl(2)
GRACE_S = 2.0  # from asking the program to end to killing it; less than others wait for this process


class ToldToEndError(Exception):
    """Somebody wants the program to end."""


def main() -> None:
    parent, channel, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, _end)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return
    program = subprocess.Popen(command, preexec_fn=partial(_begin, os.getpid()))
    try:
        os.write(channel, b"%d\n" % program.pid)
        os.close(channel)
        status = _wait_for(program.pid)
    except ToldToEndError:
        status = _ask_to_end(program.pid)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _kill_all()
    _exit_as(status)


def _begin(parent: int) -> None:
    """In the program's process: it has the usual signals again, and ends with this one."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    die_with_parent(parent)


def _end(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # it may come twice: each thread of a parent that dies sends one
    raise ToldToEndError


def _wait_for(pid: int) -> int:
    """The status with which the program ends; whatever else ends here meanwhile is taken note of."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return status


def _ask_to_end(pid: int) -> int:
    """Give the program a moment to end by itself; its group was told by whoever told us."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + GRACE_S
    while time.monotonic() < until:
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == pid:
                return status
        time.sleep(0.02)
    return int(signal.SIGKILL)


def _kill_all() -> None:
    """Until nothing is left: what is killed here may have begun another process a moment before."""
    while children := psutil.Process().children(recursive=True):
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def _exit_as(status: int) -> None:
    """End as the program has ended: with its exit code, or of the same signal."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        os._exit(code)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it has left its own
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    os._exit(128 - code)


if __name__ == "__main__":
    main()

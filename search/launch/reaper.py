"""A process between bardtune and a program of a user's: when either of them ends, so does all that has come of it.

What a program starts in a session of its own is in no group of ours, and outlives it. On Linux such processes are
handed to the nearest ancestor that has asked for them (see PR_SET_CHILD_SUBREAPER in prctl(2)): to this one, which ends
them. Started as ``python -m bardtune.search.launch.reaper PARENT CHANNEL FOLDER COMMAND...``; the id of the program's
own process goes to the channel. FOLDER is the program's alone: a relative PYTHONPATH leads us to no file there.
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
MOST_ROUNDS = 200
GRACE_S = 2.0  # from asking the program to end to killing it; less than others wait for this process


class ToldToEndError(Exception):
    """Somebody wants the program to end; its whole group has been told."""


class OrphanedError(Exception):
    """The parent is dead."""


def main() -> None:
    parent, channel, folder, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    status, program = int(signal.SIGKILL), None
    try:
        signal.signal(signal.SIGTERM, _told_to_end)
        signal.signal(signal.SIGCONT, partial(_told_to_go_on, parent))
        prctl(PR_SET_PDEATHSIG, signal.SIGCONT)  # which also wakes it, where Ctrl-Z has stopped it before
        _told_to_go_on(parent)
        program = subprocess.Popen(command, cwd=folder or None, preexec_fn=partial(_begin, os.getpid()))
        os.write(channel, b"%d\n" % program.pid)
        os.close(channel)
        status = _wait_for(program.pid)
    except ToldToEndError:
        status = _given_a_moment(program)
    except OrphanedError:
        if program is not None:
            program.send_signal(signal.SIGTERM)
        status = _given_a_moment(program)
    for number in (signal.SIGTERM, signal.SIGCONT):
        signal.signal(number, signal.SIG_IGN)
    _kill_all()
    _exit_as(status)


def _begin(parent: int) -> None:
    """In the program's process: it has the usual signals again, and ends with this one."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
        signal.signal(number, signal.SIG_DFL)
    die_with_parent(parent)


def _told_to_end(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # it may come twice
    raise ToldToEndError


def _told_to_go_on(parent: int, *_: object) -> None:
    if os.getppid() != parent:
        signal.signal(signal.SIGCONT, signal.SIG_IGN)
        raise OrphanedError


def _wait_for(pid: int) -> int:
    """The status with which the program ends; whatever else ends here meanwhile is taken note of."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return status


def _given_a_moment(program: "subprocess.Popen[bytes] | None") -> int:
    """The status with which the program ends by itself, or will when it is killed."""
    until = time.monotonic() + GRACE_S
    while program is not None and time.monotonic() < until:
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(program.pid, os.WNOHANG)
            if ended == program.pid:
                return status
        time.sleep(0.02)
    return int(signal.SIGKILL)


def _kill_all() -> None:
    """Until nothing is left, or only what is not ours to kill: what is killed may just have begun another."""
    for _ in range(MOST_ROUNDS):
        children = psutil.Process().children(recursive=True)
        if not children:
            return
        for child in children:
            with contextlib.suppress(psutil.Error):
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

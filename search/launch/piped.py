"""A child process that takes orders on its standard input and answers on a pipe of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bardtune.data.errors import UserError
from bardtune.search.launch.processes import KILL_AFTER_S, group_of_ours

MOST_LOG_BYTES = 10_000_000  # of a process; of a longer log the end is kept


class LauncherError(UserError):
    """No process can be started to train in, or the place where runs train is lost."""


class PipedProcess:
    """One child process in its own process group; what anybody prints there goes to a log.

    Args:
        module: its program. It is called with the arguments that ``spawn`` is given, then with our process id and the
            number of the pipe to answer on.
        log: its standard output and standard error.
    """

    def __init__(self, module: str, *, log: Path) -> None:
        self.module, self.log = module, log
        self.process: subprocess.Popen[bytes] | None = None
        self.channel = -1  # where its answers arrive
        self.torn = b""  # the beginning of a line whose end has not arrived
        self.group = ExitStack()  # left when the process is gone

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def spawn(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        """Start the process.

        Raises:
            LauncherError: the system refuses.
        """
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._spawn(arguments, environment)
        except OSError as problem:
            raise LauncherError(
                f"cannot start a process that trains, with its log in {self.log}: {problem.strerror}; put that right "
                "(memory, number of processes, disk) and resume the study."
            ) from problem

    def _spawn(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        reading_end, writing_end = os.pipe()
        try:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-m", self.module, *arguments, str(os.getpid()), str(writing_end)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    start_new_session=True,
                    pass_fds=[writing_end],
                )
        except OSError:
            os.close(reading_end)
            raise
        finally:
            os.close(writing_end)
        os.set_blocking(reading_end, False)
        self.channel, self.torn = reading_end, b""
        self.group.enter_context(group_of_ours(self.process.pid))

    def send(self, line: bytes) -> None:
        """Write a line; that a process has just died is noticed when its answers end."""
        assert self.process is not None and self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(line)
            self.process.stdin.flush()

    def receive(self) -> list[bytes] | None:
        """Whole lines that have arrived; None when the process has closed its end."""
        try:
            fresh = os.read(self.channel, 1 << 16)
        except BlockingIOError:
            return []
        if not fresh:
            return None
        *lines, self.torn = (self.torn + fresh).split(b"\n")
        return lines

    def dismiss(self) -> None:
        """Close its input, at which a process exits by itself; ``kill`` is for those that do not."""
        assert self.process is not None and self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def kill(self, *, after_s: float = KILL_AFTER_S) -> int | None:
        """End the process group, by force after a while.

        Returns:
            the exit code (negative: the signal); None if it was ended by force.
        """
        self.dismiss()
        assert self.process is not None
        if self.channel >= 0:  # not closed by a call that Ctrl-C has cut off
            os.close(self.channel)
            self.channel = -1
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, after_s))
        code = self.process.poll()
        if code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.group.close()
        self.process = None
        return code


def kill_together(processes: Sequence[PipedProcess]) -> None:
    """End processes; several that hang take no longer than one."""
    for process in processes:
        process.dismiss()
    end = time.monotonic() + KILL_AFTER_S
    for process in processes:
        process.kill(after_s=end - time.monotonic())

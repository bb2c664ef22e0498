"""A child process whose output is read, whose time is bounded, and that is ended with all its children."""

import codecs
import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bardtune.data.awake import awake_s
from bardtune.search.launch.limit import Limit
from bardtune.search.launch.processes import KILL_AFTER_S, group_of_ours
from bardtune.studies.contract.run_end import ChildEnd, StoppedBy

REAPER = "bardtune.search.launch.reaper"
TICK_S = 0.1
TAIL_BYTES = (1 << 20) + (1 << 16)  # of each output that is kept for the ending: a last line of a megabyte is whole
SHOWN_BYTES = 1 << 20  # of the output that is passed on


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildOrder:
    """What to start, and for how long."""

    command: Sequence[str]
    environment: dict[str, str]
    limit_s: float  # wall seconds after which the process is ended
    folder: Path | None = None  # to start it in; None for ours


def run_child(
    order: ChildOrder, *, should_continue: Callable[[], bool], on_output: Callable[[bytes], None]
) -> ChildEnd:
    """Run a process to its end and return what was seen of it. Nothing of its process group is alive then.

    Args:
        order: what to run.
        should_continue: asked again and again; False ends the process. It may take long to answer: it is asked on a
            thread of its own, and meanwhile output is read and the limit holds.
        on_output: called with what the process writes, up to a megabyte of it.
    """
    started = awake_s()
    process, pid = _start(order)
    with ThreadPoolExecutor(1, thread_name_prefix="should_continue") as asker, group_of_ours(process.pid):
        try:
            reader = OutputReader(process, on_output)
            limit = Limit(pid, limit_s=order.limit_s)
            stopped = _wait(process, reader, limit, lambda: asker.submit(should_continue))
        finally:
            _end(process)
        wall_s = awake_s() - started  # the last question may wait longer
    reader.read(0.0)
    reader.close()
    return ChildEnd(
        exit_code=process.returncode,
        stdout=reader.tail("stdout"),
        stderr=reader.tail("stderr"),
        wall_s=wall_s,
        started=started,
        pid=pid,
        stopped=stopped,
    )


def _start(order: ChildOrder) -> tuple["subprocess.Popen[bytes]", int]:
    """The process to wait for, and the id of the command's own; on Linux the former ends all that has come of it."""
    reading_end, writing_end = os.pipe()
    command, folder = list(order.command), order.folder
    if sys.platform == "linux":
        place = "" if folder is None else str(folder)
        command = [sys.executable, "-P", "-m", REAPER, str(os.getpid()), str(writing_end), place, *command]
        folder = None
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=order.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=[writing_end] if sys.platform == "linux" else [],
        )
    except OSError:
        os.close(reading_end)
        raise
    finally:
        os.close(writing_end)
    with open(reading_end, "rb") as channel:
        told = channel.readline() if sys.platform == "linux" else b""
    return process, int(told) if told else process.pid


class OutputReader:
    """Reads a process's two outputs, passes them on and keeps the end of each."""

    def __init__(self, process: "subprocess.Popen[bytes]", on_output: Callable[[bytes], None]) -> None:
        self.on_output, self.left = on_output, SHOWN_BYTES
        self.tails = {"stdout": b"", "stderr": b""}
        self.selector = selectors.DefaultSelector()
        self.pipes: list[IO[bytes]] = []
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self.selector.register(pipe, selectors.EVENT_READ, name)
            self.pipes.append(pipe)

    def read(self, timeout_s: float) -> None:
        """Read what there is, and wait for it if there is nothing."""
        if not self.selector.get_map():
            time.sleep(timeout_s)
            return
        for key, _ in self.selector.select(timeout_s):
            fresh = os.read(key.fd, 1 << 20)
            if not fresh:
                self.selector.unregister(key.fileobj)
                continue
            self.tails[key.data] = (self.tails[key.data] + fresh)[-TAIL_BYTES:]
            if self.left > 0:
                self.on_output(fresh[: self.left])
                self.left -= len(fresh)
                if self.left <= 0:
                    self.on_output(b"\n(the script writes more; it is not shown)\n")

    def tail(self, name: str) -> str:
        """The end of ``stdout`` or ``stderr``, as text."""
        return codecs.decode(self.tails[name], "utf-8", "replace")

    def close(self) -> None:
        self.selector.close()
        for pipe in self.pipes:
            pipe.close()


def _wait(
    process: "subprocess.Popen[bytes]", reader: OutputReader, limit: Limit, ask: Callable[[], "Future[bool]"]
) -> StoppedBy | None:
    """Read until the process is gone, or must go; its children do not matter. Returns why it must."""
    should_continue = ask()
    while not has_ended(process):
        reader.read(TICK_S)
        if should_continue.done():
            if not should_continue.result():
                return "user"
            should_continue = ask()
        if (passed := limit.passed()) is not None:
            return "somebody" if passed == "stopped" else "limit"
    return None


def has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Asked without taking the exit code, so that the process's group keeps its number until it has been ended."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the whole group: asked first, killed a few seconds later."""
    if not has_ended(process):
        _signal_group(process, signal.SIGCONT)  # what is stopped cannot clean up
        _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + KILL_AFTER_S
        while not has_ended(process) and time.monotonic() < deadline:
            time.sleep(0.02)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses to signal a group of the dead
        os.killpg(process.pid, number)

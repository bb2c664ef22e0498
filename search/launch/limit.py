"""When a process has had its time: not while it still works, nor while somebody has stopped it, up to a point."""

import contextlib
from collections.abc import Callable
from typing import Literal

import psutil

from bardtune.data.awake import awake_s
from bardtune.data.host import available_cores, load

SILENT_S = 300.0  # past its limit, a process that says nothing for so long is lost, however busy it seems
STOPPED_FOR_S = 60.0  # that a process may be stopped (SIGSTOP, a debugger) before it is ended
LOOK_S = 20.0  # past its limit, whether it works is judged by so long
WORKING_SHARE = 0.02  # of a core; what waits for something that never comes takes none

Passed = Literal["stopped", "idle", "over"]


class Limit:
    """The time that a process may take.

    Args:
        pid: of the process; one that has ended already has its time like any other.
        limit_s: seconds after which it may only go on as long as it works ...
        most_s: ... up to so many; None: not even if it works.
        clock: of the seconds.
    """

    def __init__(
        self, pid: int, *, limit_s: float, most_s: float | None = None, clock: Callable[[], float] = awake_s
    ) -> None:
        self.clock = clock
        self.process: psutil.Process | None = None
        with contextlib.suppress(psutil.NoSuchProcess):
            self.process = psutil.Process(pid)
        now = clock()
        self.limit, self.looked, self.heard_at = now + limit_s, now, now
        self.most = None if most_s is None else now + most_s
        self.stopped_s = 0.0
        self.cpu_s: float | None = None  # when it passed its limit, or was last seen to work

    def heard(self) -> None:
        """It has said something."""
        self.heard_at = self.clock()

    def end_within(self, seconds: float) -> None:
        """It has been asked to end."""
        self.limit, self.most = min(self.limit, self.clock() + seconds), None

    def passed(self) -> Passed | None:
        """Why it must end; None while it may go on. To be asked often.

        It has been stopped for too long, is past its limit and does not work any more, or has had all it may take.
        """
        now = self.clock()
        since_s, self.looked = now - self.looked, now
        if self._is_stopped():
            self.stopped_s += since_s
            self.limit += since_s
            return "stopped" if self.stopped_s > STOPPED_FOR_S else None
        self.stopped_s = 0.0
        if self.most is not None and now > self.most:
            return "over"
        if now > self.limit:
            if self.most is None:
                return "over"
            cpu_s = self._cpu_s()
            works = self.cpu_s is None or cpu_s - self.cpu_s >= WORKING_SHARE * LOOK_S
            if not works or now - self.heard_at > SILENT_S:
                return "idle"
            self.cpu_s, self.limit = cpu_s, now + LOOK_S
        return None

    def _is_stopped(self) -> bool:
        with contextlib.suppress(psutil.Error):  # it is gone, which others notice
            stopped = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
            return self.process is not None and self.process.status() in stopped
        return False

    def _cpu_s(self) -> float:
        with contextlib.suppress(psutil.Error):
            times = None if self.process is None else self.process.cpu_times()
            return 0.0 if times is None else float(times.user + times.system)
        return 0.0


def busy_note() -> str:
    """To follow a reason: that the machine had more to do than it could."""
    wanted, cores = load(), available_cores()
    return f"; the machine was busy: {wanted:.1f} processes wanted its {cores} cores" if wanted > cores + 0.5 else ""

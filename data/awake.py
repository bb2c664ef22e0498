"""A clock that stands still while this process does: stopped by a signal, frozen with its container, paused machine.

Whoever holds a budget, a limit or a study's hours against the ordinary clock would charge them with that time.
"""

import math
import os
import threading
import time
from collections.abc import Callable
from functools import cache

BEAT_S = 0.1  # a thread reads the clock so often
GAP_S = 3.0  # between two readings; longer ones are time in which this process was not run


class AwakeClock:
    """Seconds of ``now`` in which this process ran, or could have.

    Args:
        now: seconds of the ordinary clock, which has gone on meanwhile.
        cpu_now: CPU seconds of this process: a thread that lets no other read the clock uses them, and is awake.
        num_cores: of the machine.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        cpu_now: Callable[[], float] = time.process_time,
        num_cores: int = os.cpu_count() or 1,
    ) -> None:
        self._now, self._cpu_now, self._num_cores = now, cpu_now, num_cores
        self._lock = threading.RLock()  # a signal's handler may ask while its own thread is asking
        self._read, self._cpu_read = now(), cpu_now()
        self._gaps: list[tuple[float, float]] = []  # when each ended, by ``now``, and what was lost up to then

    def __call__(self) -> float:
        """Seconds by now."""
        with self._lock:
            now, cpu = self._now(), self._cpu_now()
            computed = cpu - self._cpu_read - BEAT_S * self._num_cores  # all threads may have, before it was stopped
            lost = now - self._read - max(0.0, computed)
            if lost > GAP_S:
                self._gaps.append((now, self._lost + lost))
            self._read, self._cpu_read = now, cpu
            return now - self._lost

    def at(self, moment: float) -> float:
        """What this clock said at a moment of the ordinary one, as far as it has been read since."""
        with self._lock:
            lost_before = max((lost for ended, lost in self._gaps if ended <= moment), default=0.0)
            resumed = min((ended - lost for ended, lost in self._gaps if ended > moment), default=math.inf)
            return min(moment - lost_before, resumed)  # within a gap it stood still

    @property
    def _lost(self) -> float:
        return self._gaps[-1][1] if self._gaps else 0.0


def awake_s() -> float:
    """Seconds in which this process ran; equal to ``time.monotonic()`` until it has stood still once."""
    return _clock()()


def awake_at(moment: float) -> float:
    """What ``awake_s`` said when ``time.monotonic()`` said ``moment``."""
    return _clock().at(moment)


def sleep_awake(seconds: float) -> None:
    """Sleep for so long by ``awake_s``."""
    until = awake_s() + seconds
    while (left := until - awake_s()) > 0:
        time.sleep(min(left, BEAT_S))


@cache
def _clock() -> AwakeClock:
    """This process's own, which is read from now on."""
    clock = AwakeClock()

    def beat() -> None:
        while True:
            time.sleep(BEAT_S)
            clock()

    threading.Thread(target=beat, name="awake", daemon=True).start()
    return clock

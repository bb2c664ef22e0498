"""Ctrl-C and the other signals that ask a study to stop, and Ctrl-Z, which asks it to rest."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bardtune.search.launch.processes import signal_groups
from bardtune.studies.store.retry import shutting_down

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Ctrl-C, SIGTERM and a hang-up set an event; a second one raises KeyboardInterrupt.

    From the first one on, nothing waits for a database that is away. Ctrl-Z stops what trains too, until ``fg``.
    """
    stopped = threading.Event()
    shutting_down.clear()

    def on_signal(number: int, frame: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        shutting_down.set()

    def on_rest(number: int, frame: object) -> None:
        signal_groups(signal.SIGSTOP)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, on_rest)  # it goes on here
        signal_groups(signal.SIGCONT)

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    # A hang-up that is ignored already stays so: that is what nohup is for. Shells also start background jobs with
    # SIGINT ignored, but whoever sends one to a study all the same means it.
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    numbers = [number for number in STOP_SIGNALS if not (number == signal.SIGHUP and nohup)]
    before = {number: signal.signal(number, on_signal) for number in numbers}
    if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
        before[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, on_rest)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

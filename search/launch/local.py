"""Trains runs in processes of this machine."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bardtune.data.errors import UserError
from bardtune.data.files import shorten
from bardtune.data.host import core_numbers
from bardtune.search.launch.exit_reasons import OUT_OF_MEMORY, oom_kills, reason_of_exit
from bardtune.search.launch.limit import STOPPED_FOR_S, Limit, Passed, busy_note
from bardtune.search.launch.processes import KILL_AFTER_S, WORKER_MODULE, group_of_ours, thread_variables
from bardtune.search.launch.protocol import Ended, Order, RunEvent, RunOrder, ScoreOrder, StopEnding, StopOrder
from bardtune.search.launch.registry import LauncherKind
from bardtune.search.launch.wire import decode_event, encode
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.home import Home, make_folder

MOST_LOG_BYTES = 10_000_000  # of a worker, when a run begins; the end of a longer one is kept
STOP_WITHIN_S = {"pruned": 60.0, "interrupted": 7.0}  # from asking a run to stop to ending its process


class LauncherError(UserError):
    """No process can be started to train in."""


class WorkerProcess:
    """One child process in its own process group, kept between runs and replaced when it dies."""

    def __init__(self, index: int, *, threads: int, cores: list[int], log: Path) -> None:
        self.index, self.threads, self.cores, self.log = index, threads, cores, log
        self.process: subprocess.Popen[bytes] | None = None
        self.channel = -1  # where its events arrive; its standard output is the log's, for whoever may print there
        self.order: RunOrder | ScoreOrder | None = None
        self.limit: Limit | None = None  # of the order
        self.stopping: StopEnding | None = None
        self.torn = b""  # the beginning of a line whose end has not arrived
        self.oom_kills: int | None = None  # on this machine, when the run began
        self.group = ExitStack()  # left when the process is gone

    def spawn(self) -> None:
        """Start the process if there is none; it imports torch while the coordinator goes on.

        Raises:
            LauncherError: the system refuses.
        """
        if self.process is not None:
            if self.process.poll() is None:
                return
            self.kill()
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._spawn()
        except OSError as problem:
            raise LauncherError(
                f"cannot start a process that trains, with its log in {self.log}: {problem.strerror}; put that right "
                "(memory, number of processes, disk) and resume the study."
            ) from problem

    def _spawn(self) -> None:
        environment = {**os.environ, **thread_variables(self.threads)}
        cores = ",".join(map(str, self.cores))
        reading_end, writing_end = os.pipe()
        arguments = [str(self.threads), cores, str(os.getpid()), str(writing_end)]
        try:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-m", WORKER_MODULE, *arguments],
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

    def begin(self, order: RunOrder | ScoreOrder) -> None:
        """Have an order carried out; its time runs from now on."""
        assert self.process is not None
        self.order, self.stopping, self.oom_kills = order, None, oom_kills()
        shorten(self.log, MOST_LOG_BYTES)
        self.limit = Limit(self.process.pid, limit_s=order.limit_s, most_s=order.most_s)
        self.send(order)

    def send(self, order: Order) -> None:
        """Write an order; a process that has just died is noticed when its output ends."""
        assert self.process is not None and self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(encode(order))
            self.process.stdin.flush()

    def passed(self) -> Passed | None:
        """Why what it does must end; None while it may go on, and between orders."""
        return None if self.order is None or self.limit is None else self.limit.passed()

    def go_on(self) -> None:
        """Let a process that somebody has stopped hear what it is asked."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGCONT)

    def receive(self) -> list[RunEvent] | None:
        """Whole events that have arrived; None when the process has closed its end."""
        try:
            fresh = os.read(self.channel, 1 << 16)
        except BlockingIOError:
            return []
        if not fresh:
            return None
        *lines, self.torn = (self.torn + fresh).split(b"\n")
        return [decode_event(line) for line in lines]

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


class LocalLauncher:
    """A ``Launcher`` of worker processes on this machine.

    Args:
        workers: runs at a time.
        threads: of each run.
        logs: the path of each worker's log.
    """

    def __init__(self, *, workers: int, threads: int, logs: list[Path]) -> None:
        self.capacity = workers
        cores = core_numbers()
        # A single run may go wherever there is room; several are kept apart.
        shares = [cores[index * threads : (index + 1) * threads] if workers > 1 else [] for index in range(workers)]
        self.workers = [
            WorkerProcess(index, threads=threads, cores=shares[index], log=logs[index]) for index in range(workers)
        ]
        for worker in self.workers:
            worker.spawn()

    def start(self, order: RunOrder | ScoreOrder) -> None:
        worker = next(worker for worker in self.workers if worker.order is None)
        worker.spawn()
        worker.begin(order)

    def events(self, timeout_s: float) -> list[RunEvent]:
        busy = [worker for worker in self.workers if worker.order is not None]
        if not busy:
            return []
        found: list[RunEvent] = []
        with selectors.DefaultSelector() as selector:
            for worker in busy:
                selector.register(worker.channel, selectors.EVENT_READ, worker)
            for key, _ in selector.select(timeout_s):
                found += self._receive(key.data)
        overdue = {worker: passed for worker in busy if (passed := worker.passed()) is not None}
        _kill_together(list(overdue))
        return found + [self._ended(worker, passed) for worker, passed in overdue.items()]

    def stop(self, run_id: str, ending: StopEnding) -> None:
        for worker in self.workers:
            if worker.order is not None and worker.order.run_id == run_id and worker.stopping is None:
                assert worker.limit is not None
                worker.stopping = ending
                worker.limit.end_within(STOP_WITHIN_S[ending])
                worker.go_on()
                worker.send(StopOrder(run_id=run_id, ending=ending))

    def close(self) -> None:
        _kill_together([worker for worker in self.workers if worker.process is not None])

    def _receive(self, worker: WorkerProcess) -> list[RunEvent]:
        events = worker.receive()
        if events is None:
            return [self._died(worker)]
        if worker.limit is not None:
            worker.limit.heard()
        for event in events:
            if isinstance(event, Ended):
                worker.order = None
                if (event.reason or "").startswith(OUT_OF_MEMORY):
                    worker.kill()  # what is left of a full memory is not for the next run
        return events

    def _died(self, worker: WorkerProcess) -> Ended:
        """The process is gone in the middle of a run."""
        order, ending = worker.order, worker.stopping
        assert order is not None
        code = worker.kill()
        worker.order = None
        if code is None:
            reason = "its process went silent and was ended"
        else:
            reason = reason_of_exit(code, kills_before=worker.oom_kills, kills_now=oom_kills(), log=worker.log.name)
        return Ended(run_id=order.run_id, ending=ending or "crashed", reason=reason)

    def _ended(self, worker: WorkerProcess, passed: Passed) -> Ended:
        """Its process was ended: the run had had its time, did not stop when asked to, or somebody had stopped it."""
        order, ending = worker.order, worker.stopping
        assert order is not None
        worker.order = None
        if ending is not None:
            return Ended(run_id=order.run_id, ending=ending, reason="it did not stop when asked to and was ended")
        if passed == "stopped":
            reason = f"its process had been stopped by somebody for {STOPPED_FOR_S:.0f} s, and was ended"
            return Ended(run_id=order.run_id, ending="interrupted", reason=reason)
        if passed == "idle":
            limit = f"past its outer limit of {order.limit_s:.0f} s (budget, allowance and evaluation)"
            reason = f"{limit}, and no longer working; its process was ended"
        else:
            reason = f"past its outer limit of {order.most_s:.0f} s, what the study had left; its process was ended"
        return Ended(run_id=order.run_id, ending="crashed", reason=reason + busy_note())


def _kill_together(workers: list[WorkerProcess]) -> None:
    """End processes; several that hang take no longer than one."""
    for worker in workers:
        worker.dismiss()
    end = time.monotonic() + KILL_AFTER_S
    for worker in workers:
        worker.kill(after_s=end - time.monotonic())


def make(plan: StudyPlan, study_name: str, home: Home) -> LocalLauncher:
    logs = [home.worker_log(study_name, worker) for worker in range(plan.workers)]
    make_folder(logs[0].parent)
    return LocalLauncher(workers=plan.workers, threads=plan.threads, logs=logs)


KIND = LauncherKind(summary="processes of this machine", make=make)

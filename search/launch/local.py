"""Trains runs in processes of this machine."""

import contextlib
import os
import selectors
import signal
from pathlib import Path

from bardtune.data.files import shorten
from bardtune.data.host import core_numbers
from bardtune.search.launch.exit_reasons import OUT_OF_MEMORY, oom_kills, reason_of_exit
from bardtune.search.launch.limit import STOPPED_FOR_S, Limit, Passed, busy_note
from bardtune.search.launch.piped import MOST_LOG_BYTES, PipedProcess, kill_together
from bardtune.search.launch.processes import WORKER_MODULE, thread_variables
from bardtune.search.launch.protocol import Ended, RunEvent, RunOrder, ScoreOrder, StopEnding, StopOrder
from bardtune.search.launch.registry import LauncherKind, Site
from bardtune.search.launch.wire import decode_event, encode
from bardtune.studies.store.home import make_folder

STOP_WITHIN_S = {"pruned": 60.0, "interrupted": 7.0}  # from asking a run to stop to ending its process


class WorkerProcess(PipedProcess):
    """A child process that trains, kept between runs and replaced when it dies."""

    def __init__(self, *, threads: int, cores: list[int], log: Path) -> None:
        super().__init__(WORKER_MODULE, log=log)
        self.threads, self.cores = threads, cores
        self.order: RunOrder | ScoreOrder | None = None
        self.limit: Limit | None = None  # of the order
        self.stopping: StopEnding | None = None
        self.oom_kills: int | None = None  # on this machine, when the run began

    def ensure(self) -> None:
        """Start the process if there is none; it imports torch while the coordinator goes on.

        Raises:
            LauncherError: the system refuses.
        """
        if self.is_alive:
            return
        if self.process is not None:
            self.kill()
        cores = ",".join(map(str, self.cores))
        self.spawn([str(self.threads), cores], {**os.environ, **thread_variables(self.threads)})

    def begin(self, order: RunOrder | ScoreOrder) -> None:
        """Have an order carried out; its time runs from now on."""
        assert self.process is not None
        self.order, self.stopping, self.oom_kills = order, None, oom_kills()
        shorten(self.log, MOST_LOG_BYTES)
        self.limit = Limit(self.process.pid, limit_s=order.limit_s, most_s=order.most_s)
        self.send(encode(order))

    def passed(self) -> Passed | None:
        """Why what it does must end; None while it may go on, and between orders."""
        return None if self.order is None or self.limit is None else self.limit.passed()

    def go_on(self) -> None:
        """Let a process that somebody has stopped hear what it is asked."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGCONT)


class LocalLauncher:
    """A ``Launcher`` of worker processes on this machine.

    Args:
        workers: runs at a time.
        threads: of each run.
        logs: the path of each worker's log.
        cores: numbers of those that each worker may use; none for all. [default: several workers are kept apart]
    """

    def __init__(self, *, workers: int, threads: int, logs: list[Path], cores: list[list[int]] | None = None) -> None:
        self.capacity = workers
        shares = core_shares(workers, threads) if cores is None else cores
        self.workers = [
            WorkerProcess(threads=threads, cores=share, log=log) for share, log in zip(shares, logs, strict=True)
        ]
        for worker in self.workers:
            worker.ensure()

    def start(self, order: RunOrder | ScoreOrder) -> None:
        worker = next(worker for worker in self.workers if worker.order is None)
        worker.ensure()
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
        kill_together(list(overdue))
        return found + [self._ended(worker, passed) for worker, passed in overdue.items()]

    def stop(self, run_id: str, ending: StopEnding) -> None:
        for worker in self.workers:
            if worker.order is not None and worker.order.run_id == run_id and worker.stopping is None:
                assert worker.limit is not None
                worker.stopping = ending
                worker.limit.end_within(STOP_WITHIN_S[ending])
                worker.go_on()
                worker.send(encode(StopOrder(run_id=run_id, ending=ending)))

    def close(self) -> None:
        kill_together([worker for worker in self.workers if worker.process is not None])

    def _receive(self, worker: WorkerProcess) -> list[RunEvent]:
        lines = worker.receive()
        if lines is None:
            return [self._died(worker)]
        events = [decode_event(line) for line in lines]
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


def core_shares(workers: int, threads: int) -> list[list[int]]:
    """The cores of each worker: a single one may go wherever there is room, several are kept apart."""
    cores = core_numbers()
    return [cores[index * threads : (index + 1) * threads] if workers > 1 else [] for index in range(workers)]


def make(site: Site) -> LocalLauncher:
    plan = site.record.plan
    make_folder(site.home.logs)
    return LocalLauncher(
        workers=plan.workers, threads=plan.threads, logs=[site.log(worker) for worker in range(plan.workers)]
    )


KIND = LauncherKind(summary="processes of this machine", make=make)

"""The workers of a study on the nodes of a Ray cluster, and what becomes of their runs."""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError

from bardtune.data.files import replacing, shorten
from bardtune.search.launch.cluster.calls import Calls, begin_worker, cause, end_worker, keep
from bardtune.search.launch.cluster.messages import Item, Report, Wish
from bardtune.search.launch.cluster.node import versions
from bardtune.search.launch.cluster.nodes import Node, NodeList, most_room
from bardtune.search.launch.cluster.remote_worker import RemoteWorker
from bardtune.search.launch.cluster.room import RoomTeller
from bardtune.search.launch.cluster.scout import Scout
from bardtune.search.launch.cluster.texts import TextSender
from bardtune.search.launch.local import STOP_WITHIN_S
from bardtune.search.launch.piped import MOST_LOG_BYTES
from bardtune.search.launch.protocol import (
    Ended,
    Ending,
    LauncherEvent,
    Notice,
    Placed,
    RunOrder,
    ScoreOrder,
    StopEnding,
)
from bardtune.search.launch.ray import Brief, Room
from bardtune.search.launch.wire import decode_event

WAIT_S = 0.5  # that a worker waits for something to say; a wish to stop is heard as late
READY_WITHIN_S = 90.0  # a worker that a node has no room for is sent elsewhere
REST_S = 60.0  # that a node has no more workers sent then
GONE_AFTER_S = 60.0  # a worker that answers nothing for so long is given up
RETRY_AFTER_S = 1.0  # to ask a worker again that could not be reached
STOOD_STILL_S = 5.0  # between two steps: this process was stopped, and nobody else was silent
MOST_LOSSES = 3  # of one run; then it is to blame for what becomes of its nodes
MOST_FAILURES = 3  # on one node, with no run that has finished between them
SHORT_REST_S = 5.0  # of a node that has lost a worker; what fails together counts once
MOST_UNHEARD = 5  # workers that a run may lose before they have it

BridgeEvent = LauncherEvent | Room


class Fleet:
    """Keeps as many workers as the study wants on the nodes that there are, and follows their runs.

    Args:
        brief: what the coordinator has said; Ray must be connected.
    """

    def __init__(self, brief: Brief) -> None:
        self.brief = brief
        self.out: list[BridgeEvent] = []
        self.nodes = NodeList(
            threads=brief.threads,
            versions=versions(),
            kind=brief.kind,
            is_mixed=brief.is_mixed,
            known=brief.known_nodes,
            say=self._say,
        )
        self.workers = [RemoteWorker(index) for index in range(brief.workers)]
        self.calls = Calls()
        self.scout = Scout(self.nodes, self.calls)
        self.texts = TextSender(brief, self.workers, self.calls, say=self._say, on_problem=self._not_ready)
        self.losses: Counter[tuple[str, str]] = Counter()  # by kind of order and run
        self.unplaced: list[RunOrder | ScoreOrder] = []  # whose worker was lost before it had heard of them
        self.unheard: Counter[tuple[str, str]] = Counter()  # how often that has happened to them
        self.stepped_at = time.monotonic()
        self.room = RoomTeller(brief.workers, brief.threads)

    def start(self, order: RunOrder | ScoreOrder) -> None:
        """Have a run trained or scored; without a place for it, it ends at once."""
        free = [worker for worker in self.workers if worker.is_ready and worker.order is None]
        if not free:
            self.out.append(Ended(run_id=order.run_id, ending="interrupted", reason="its node was gone"))
            return
        worker = min(free, key=lambda worker: worker.index)
        path = order.checkpoint if isinstance(order, RunOrder) else order.weights
        content = None
        with suppress(OSError):  # a run that begins anew has none
            content = keep(path.read_bytes())
        worker.take(order, content, time.monotonic())
        shorten(Path(self.brief.logs[worker.index]), MOST_LOG_BYTES)
        self._ask(worker)

    def stop(self, run_id: str, ending: StopEnding) -> None:
        for worker in self.workers:
            if worker.order is not None and worker.order.run_id == run_id and worker.stop is None:
                worker.stop = ending
                worker.end_at = time.monotonic() + STOP_WITHIN_S[ending] + GONE_AFTER_S / 4

    def step(self, timeout_s: float) -> list[BridgeEvent]:
        """Go on with everything; waits up to ``timeout_s`` for something to happen.

        Raises:
            CorpusError: the text is no longer what the study began with.
        """
        self._forgive_standstill()
        self._look()
        self._hire()
        self.calls.settle(timeout_s)
        self._see_to_the_silent()
        lost, self.unplaced = self.unplaced, []
        for order in lost:
            self.start(order)
        if (told := self.room.tell(sum(worker.is_ready for worker in self.workers))) is not None:
            self.out.append(told)
        found, self.out = self.out, []
        return found

    def close(self) -> None:
        for worker in self.workers:
            self._dismiss(worker)

    # Workers

    def _look(self) -> None:
        for node in self.scout.look():
            for worker in self.workers:
                if worker.node is node:
                    self._lose(worker, "its node was lost")

    def _hire(self) -> None:
        usable, now = self.nodes.usable(), time.monotonic()
        for worker in self.workers:
            if worker.node is None and (node := most_room(usable, self.brief.threads, now)) is not None:
                worker.node, worker.hired_at = node, now
                node.num_workers += 1
                worker.actor = begin_worker(node, self.brief.threads)
                self.texts.make_ready(worker)

    def _not_ready(self, worker: RemoteWorker, problem: RayError) -> None:
        """A worker has ended before it could train."""
        node = worker.node
        self._dismiss(worker)
        if node is None or not node.is_alive:
            return
        node.rests_until = time.monotonic() + SHORT_REST_S
        if isinstance(problem, RayActorError):  # its node may be gone ...
            self.scout.hurry()
        if not isinstance(problem, ActorUnavailableError):  # ... or not be reached just now
            self._blame(node, f"its workers end at once: {cause(problem)}")

    def _blame(self, node: Node, why: str) -> None:
        """Something went wrong on a node; where that goes on, nothing is trained there any more."""
        now = time.monotonic()
        if now < node.blamed_until:  # its workers fail together
            return
        node.failures, node.blamed_until = node.failures + 1, now + SHORT_REST_S
        if node.failures >= MOST_FAILURES and node.is_alive and node.refusal is None:
            self.nodes.failed(node, why)

    # Runs

    def _ask(self, worker: RemoteWorker) -> None:
        """Have the worker hear what is wished, and say what has happened."""
        assert worker.order is not None
        worker.ask_at = None
        wish = Wish(number=worker.number, order=worker.order, stop=worker.stop, seen=worker.seen, wait_s=WAIT_S)
        self.calls.expect(
            worker.actor.exchange.remote(wish, None if worker.is_told else worker.content),
            worker,
            partial(self._reported, worker),
            partial(self._not_reported, worker),
        )

    def _reported(self, worker: RemoteWorker, report: Report) -> None:
        worker.heard_at = time.monotonic()
        assert worker.node is not None and worker.order is not None
        if not worker.is_told:
            worker.is_told, worker.content = True, None
            self.out.append(Placed(run_id=worker.order.run_id, node=worker.node.number))
        for item in report.items:
            if item.number > worker.seen and worker.order is not None:
                worker.seen = item.number
                self._take(worker, worker.order, item)
        if worker.order is not None:
            self._ask(worker)

    def _take(self, worker: RemoteWorker, order: RunOrder | ScoreOrder, item: Item) -> None:
        """Hand on what a worker has said, or write what it has handed over."""
        assert worker.node is not None
        if item.kind == "event":
            event = decode_event(item.content)
            if isinstance(event, Ended):
                stats = {**event.stats, "node": worker.node.number}
                event = replace(event, reason=self._placed_reason(worker, event), stats=stats)
                worker.end_order()
                if event.ending != "crashed":
                    worker.node.failures = 0
            self.out.append(event)
        elif item.kind == "log":
            with suppress(OSError), Path(self.brief.logs[worker.index]).open("ab") as file:
                file.write(item.content)
        elif isinstance(order, RunOrder):
            path = order.checkpoint if item.kind == "checkpoint" else order.weights
            try:
                with replacing(path, durable=True) as draft:
                    draft.write_bytes(item.content)
            except OSError as problem:  # a full disk costs the file, not the run
                print(f"no {item.kind} at {path}: {problem}", flush=True)

    def _placed_reason(self, worker: RemoteWorker, event: Ended) -> str | None:
        """Why a run has crashed, with the node on which it has, and the log that was brought from there."""
        if event.ending != "crashed" or event.reason is None or worker.node is None:
            return event.reason
        reason = event.reason.replace("worker.log", Path(self.brief.logs[worker.index]).name)
        return f"{reason} (on node {worker.node.number})"

    def _not_reported(self, worker: RemoteWorker, problem: RayError) -> None:
        node = worker.node
        if isinstance(problem, ActorUnavailableError):
            worker.ask_at = time.monotonic() + RETRY_AFTER_S
        elif isinstance(problem, RayTaskError) and not isinstance(problem, RayActorError):
            self._lose(worker, cause(problem))  # such as a full disk there
            if node is not None:
                self._blame(node, f"nothing can be trained there: {cause(problem)}")
        else:
            self.scout.hurry()
            self._lose(worker, f"its worker was lost: {cause(problem)}")
            if node is not None:
                node.rests_until = time.monotonic() + SHORT_REST_S
                self._blame(node, f"its workers are lost: {cause(problem)}")

    def _lose(self, worker: RemoteWorker, why: str) -> None:
        """Give a worker up; its run may go on elsewhere."""
        order, node, stop, was_told = worker.order, worker.node, worker.stop, worker.is_told
        self._dismiss(worker)
        if order is None:
            return
        key = type(order).__name__, order.run_id
        if not was_told and stop is None and self.unheard[key] < MOST_UNHEARD:
            self.unheard[key] += 1
            self.unplaced.append(order)
            return
        ending: Ending = stop or "interrupted"
        self.losses[key] += 1
        if stop is None and self.losses[key] >= MOST_LOSSES:
            ending, why = "crashed", f"it has lost its worker {MOST_LOSSES} times; the last time: {why}"
        number = 0 if node is None else node.number
        reason, stats = f"{why} (node {number})", {"node": number}
        self.out.append(Ended(run_id=order.run_id, ending=ending, reason=reason, stats=stats))

    def _dismiss(self, worker: RemoteWorker) -> None:
        """End a worker's process, wherever it is, and hear nothing of it any more."""
        self.calls.forget(worker)
        self.texts.gone(worker)
        if worker.actor is not None:
            end_worker(worker.actor)
        worker.leave()

    # Time

    def _forgive_standstill(self) -> None:
        """Whoever had to stand still (Ctrl-Z, a full pipe) has not heard what others have said meanwhile."""
        now = time.monotonic()
        gap_s, self.stepped_at = now - self.stepped_at, now
        if gap_s > STOOD_STILL_S:
            for worker in self.workers:
                worker.forgive(gap_s)

    def _see_to_the_silent(self) -> None:
        now = time.monotonic()
        for worker in self.workers:
            if worker.node is not None and not worker.is_ready:
                self._see_to_the_waiting(worker, worker.node, now)
            elif worker.order is None:
                continue
            elif now - worker.heard_at > GONE_AFTER_S:
                self._lose(worker, f"its node has not answered for {GONE_AFTER_S:.0f} s")
            elif worker.end_at is not None and now > worker.end_at:
                self._lose(worker, "it did not stop when asked to and was ended")
            elif worker.ask_at is not None and now >= worker.ask_at:
                self._ask(worker)

    def _see_to_the_waiting(self, worker: RemoteWorker, node: Node, now: float) -> None:
        """A worker for which a node has room only as Ray counts: others may use it."""
        if self.texts.is_sent_through_another(worker, node):
            worker.hired_at = now
        elif now - worker.hired_at > READY_WITHIN_S:
            if not node.is_said:
                self._say(f"node {node.number} has had no room for {READY_WITHIN_S:.0f} s; others may use it")
            node.is_said, node.rests_until = True, now + REST_S
            self._dismiss(worker)

    def _say(self, text: str) -> None:
        self.out.append(Notice(text=text))

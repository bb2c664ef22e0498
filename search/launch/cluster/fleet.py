"""The workers of a study on the nodes of a Ray cluster; all that is asked of Ray is asked here."""

import math
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bardtune.data.corpus import Corpus, load_corpus
from bardtune.data.errors import CorpusError
from bardtune.data.files import replacing, shorten
from bardtune.search.launch.cluster.messages import Item, Report, Wish
from bardtune.search.launch.cluster.node import NodeWorker, describe, versions
from bardtune.search.launch.cluster.nodes import Node, NodeList, most_room
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

LOOK_EVERY_S = 1.0  # for nodes that have joined or gone
WAIT_S = 0.5  # that a worker waits for something to say; a wish to stop is heard as late
READY_WITHIN_S = 90.0  # a worker that a node has no room for is sent elsewhere
REST_S = 60.0  # that a node has no more workers sent then
GONE_AFTER_S = 60.0  # a worker that answers nothing for so long is given up
RETRY_AFTER_S = 1.0  # to ask a worker again that could not be reached
STOOD_STILL_S = 5.0  # between two steps: this process was stopped, and nobody else was silent
MOST_LOSSES = 3  # of one run; then it is to blame for what becomes of its nodes
MOST_FAILURES = 3  # on one node, with no run that has finished between them
MOST_QUESTIONS = 3  # to a node, what it is
PART_BYTES = 32 << 20  # of a text that is sent
LONG_TEXT_BYTES = 64 << 20
SETTLED_S = 20.0  # after the number of workers that are ready has changed last, it is told
SHORT_REST_S = 5.0  # of a node that has lost a worker; what fails together counts once
ASK_AGAIN_S = 5.0  # a node what it is
MOST_UNHEARD = 5  # workers that a run may lose before they have it

BridgeEvent = LauncherEvent | Room


@dataclass(eq=False, slots=True)
class RemoteWorker:
    """A worker of the study, and where it is at present."""

    index: int
    node: Node | None = None
    actor: Any = None
    hired_at: float = 0.0
    is_ready: bool = False
    order: RunOrder | ScoreOrder | None = None
    number: int = 0  # of the order, for this actor
    content: Any = None  # a reference to the checkpoint or the weights that the order needs
    is_told: bool = False  # whether the actor has the order
    stop: StopEnding | None = None
    seen: int = 0  # of the actor's items
    heard_at: float = 0.0
    end_at: float | None = None  # when it must have stopped
    ask_at: float | None = None  # again, after it could not be reached

    def leave(self) -> None:
        """Be nowhere."""
        if self.node is not None:
            self.node.num_workers -= 1
        self.node = self.actor = self.content = self.order = self.stop = self.end_at = self.ask_at = None
        self.number, self.seen, self.is_ready, self.is_told = 0, 0, False, False


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
        self.pending: dict[Any, tuple[RemoteWorker | Node, Callable[[Any], None], Callable[[RayError], None]]] = {}
        self.losses: Counter[tuple[str, str]] = Counter()  # by kind of order and run
        self.unplaced: list[RunOrder | ScoreOrder] = []  # whose worker was lost before it had heard of them
        self.unheard: Counter[tuple[str, str]] = Counter()  # how often that has happened to them
        self.questions: Counter[Node] = Counter()  # what they are
        self.ask_again: dict[Node, float] = {}  # when, what they are
        self.senders: dict[Node, RemoteWorker] = {}  # through which the text is sent there
        self.text: Corpus | None = None
        self.looked_at = -math.inf
        self.stepped_at = time.monotonic()
        self.num_told = -1  # workers that are ready, as the coordinator knows
        self.changed_at = time.monotonic()
        self.num_said = brief.workers  # the same, as the user knows

    def start(self, order: RunOrder | ScoreOrder) -> None:
        """Have a run trained or scored; without a place for it, it ends at once."""
        free = [worker for worker in self.workers if worker.is_ready and worker.order is None]
        if not free:
            self.out.append(Ended(run_id=order.run_id, ending="interrupted", reason="its node was gone"))
            return
        worker = min(free, key=lambda worker: worker.index)
        worker.order, worker.number, worker.is_told = order, worker.number + 1, False
        path = order.checkpoint if isinstance(order, RunOrder) else order.weights
        with suppress(OSError):  # a run that begins anew has none
            worker.content = ray.put(path.read_bytes())
        worker.heard_at = time.monotonic()
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
        self._settle(timeout_s)
        self._see_to_the_silent()
        lost, self.unplaced = self.unplaced, []
        for order in lost:
            self.start(order)
        self._tell_room()
        found, self.out = self.out, []
        return found

    def close(self) -> None:
        for worker in self.workers:
            self._dismiss(worker)

    # Nodes

    def _look(self) -> None:
        if time.monotonic() - self.looked_at < LOOK_EVERY_S:
            return
        self.looked_at = time.monotonic()
        alive = {node["NodeID"]: int(node["Resources"].get("CPU", 0)) for node in _nodes() if node["Alive"]}
        joined, gone = self.nodes.update(alive)
        for node in [*joined, *(node for node, at in self.ask_again.items() if self.looked_at >= at)]:
            self._question(node)
        for node in gone:
            for worker in self.workers:
                if worker.node is node:
                    self._lose(worker, "its node was lost")

    def _question(self, node: Node) -> None:
        self.ask_again.pop(node, None)
        self.questions[node] += 1
        task = ray.remote(describe).options(num_cpus=0, max_retries=0, scheduling_strategy=_on(node))
        self._expect(task.remote(), node, partial(self.nodes.told, node), partial(self._not_described, node))

    def _not_described(self, node: Node, problem: RayError) -> None:
        if not node.is_alive:
            return
        if "No module named 'bardtune'" in str(problem) or "failed to import" in str(problem):
            self.nodes.failed(node, "bardtune is not installed there as it is here")
        elif self.questions[node] < MOST_QUESTIONS:
            self.ask_again[node] = time.monotonic() + ASK_AGAIN_S
        else:
            self.nodes.failed(node, _cause(problem))

    # Workers

    def _hire(self) -> None:
        usable, now = self.nodes.usable(), time.monotonic()
        for worker in self.workers:
            if worker.node is None and (node := most_room(usable, self.brief.threads, now)) is not None:
                worker.node, worker.hired_at = node, now
                node.num_workers += 1
                actor_class = ray.remote(NodeWorker).options(
                    num_cpus=self.brief.threads, max_restarts=0, max_task_retries=0, scheduling_strategy=_on(node)
                )
                worker.actor = actor_class.remote(threads=self.brief.threads, num_cpus=node.num_cpus)
                self._ask_for_text(worker)

    def _ask_for_text(self, worker: RemoteWorker) -> None:
        self._expect(
            worker.actor.has_text.remote(self.brief.corpus_sha256),
            worker,
            partial(self._has_text, worker),
            partial(self._not_ready, worker),
        )

    def _has_text(self, worker: RemoteWorker, has_text: bool) -> None:
        assert worker.node is not None
        if has_text:
            worker.is_ready = True
        elif worker.node not in self.senders:
            self.senders[worker.node] = worker
            self._send_text(worker, 0)

    def _send_text(self, worker: RemoteWorker, offset: int) -> None:
        content, worker.hired_at = self._load_text().content, time.monotonic()
        if offset >= len(content):
            self._text_has_arrived(worker)
            return
        assert worker.node is not None
        if not offset and len(content) > LONG_TEXT_BYTES:
            self._say(f"sending {len(content) / 1e6:,.0f} MB of text to node {worker.node.number} ...")
        end = min(offset + PART_BYTES, len(content))
        self._expect(
            worker.actor.add_text.remote(self.brief.corpus_sha256, offset, content[offset:end], end == len(content)),
            worker,
            lambda _: self._send_text(worker, end),
            partial(self._not_ready, worker),
        )

    def _text_has_arrived(self, sender: RemoteWorker) -> None:
        assert sender.node is not None
        del self.senders[sender.node]
        for worker in self.workers:
            if worker.node is sender.node and not worker.is_ready and not self._is_expected(worker):
                self._ask_for_text(worker)

    def _load_text(self) -> Corpus:
        if self.text is None or self.text.has_changed:
            self.text = load_corpus(self.brief.corpus)
        if self.text.sha256 != self.brief.corpus_sha256:
            raise CorpusError(f"the corpus {self.brief.corpus} has changed since the study began; put it back.")
        return self.text

    def _not_ready(self, worker: RemoteWorker, problem: RayError) -> None:
        """A worker has ended before it could train."""
        node = worker.node
        self._dismiss(worker)
        if node is None or not node.is_alive:
            return
        node.rests_until = time.monotonic() + SHORT_REST_S
        if isinstance(problem, RayActorError):  # its node may be gone ...
            self.looked_at = -math.inf
        if not isinstance(problem, ActorUnavailableError):  # ... or not be reached just now
            self._blame(node, f"its workers end at once: {_cause(problem)}")

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
        self._expect(
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
                worker.order = worker.stop = worker.end_at = None
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
            self._lose(worker, _cause(problem))  # such as a full disk there
            if node is not None:
                self._blame(node, f"nothing can be trained there: {_cause(problem)}")
        else:
            self.looked_at = -math.inf
            self._lose(worker, f"its worker was lost: {_cause(problem)}")
            if node is not None:
                node.rests_until = time.monotonic() + SHORT_REST_S
                self._blame(node, f"its workers are lost: {_cause(problem)}")

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
        for reference in [each for each, (owner, *_) in self.pending.items() if owner is worker]:
            del self.pending[reference]
        if worker.node is not None and self.senders.get(worker.node) is worker:
            self._pass_on_sending(worker)
        if worker.actor is not None:
            with suppress(Exception):  # it may be gone, or not have been begun
                ray.kill(worker.actor)
        worker.leave()

    def _pass_on_sending(self, sender: RemoteWorker) -> None:
        assert sender.node is not None
        del self.senders[sender.node]
        others = [worker for worker in self.workers if worker.node is sender.node and worker is not sender]
        for worker in others:
            if not worker.is_ready and not self._is_expected(worker):
                self._ask_for_text(worker)

    # Ray

    def _expect(
        self,
        reference: Any,
        owner: RemoteWorker | Node,
        on_value: Callable[[Any], None],
        on_problem: Callable[[RayError], None],
    ) -> None:
        self.pending[reference] = owner, on_value, on_problem

    def _is_expected(self, owner: RemoteWorker | Node) -> bool:
        return any(each is owner for each, *_ in self.pending.values())

    def _settle(self, timeout_s: float) -> None:
        """Take what has arrived."""
        if not self.pending:
            time.sleep(timeout_s)
            return
        arrived, _ = ray.wait(list(self.pending), num_returns=1, timeout=timeout_s)
        if arrived:
            arrived, _ = ray.wait(list(self.pending), num_returns=len(self.pending), timeout=0)
        for reference in arrived:
            if reference not in self.pending:  # its worker was given up meanwhile
                continue
            _, on_value, on_problem = self.pending.pop(reference)
            try:
                value = ray.get(reference)
            except RayError as problem:
                on_problem(problem)
            except Exception as problem:  # Ray raises what was raised there as both
                on_problem(problem)  # type: ignore[arg-type]
            else:
                on_value(value)

    def _forgive_standstill(self) -> None:
        """Whoever had to stand still (Ctrl-Z, a full pipe) has not heard what others have said meanwhile."""
        now = time.monotonic()
        gap_s, self.stepped_at = now - self.stepped_at, now
        if gap_s > STOOD_STILL_S:
            for worker in self.workers:
                worker.heard_at += gap_s
                worker.hired_at += gap_s
                worker.end_at = None if worker.end_at is None else worker.end_at + gap_s

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
        if self.senders.get(node, worker) is not worker:  # the text is on its way through another one
            worker.hired_at = now
        elif now - worker.hired_at > READY_WITHIN_S:
            if not node.is_said:
                self._say(f"node {node.number} has had no room for {READY_WITHIN_S:.0f} s; others may use it")
            node.is_said, node.rests_until = True, now + REST_S
            self._dismiss(worker)

    def _tell_room(self) -> None:
        """Tell the coordinator for how many runs there is room, and the user where that is less than it should be."""
        ready, wanted, now = sum(worker.is_ready for worker in self.workers), len(self.workers), time.monotonic()
        if ready != self.num_told:
            self.out.append(Room(workers=ready))
            self.num_told, self.changed_at = ready, now
        elif ready != self.num_said and now - self.changed_at > SETTLED_S:
            self.num_said, cpus = ready, f"{self.brief.threads} free CPU{'s' * (self.brief.threads != 1)}"
            self._say(
                f"all {wanted} workers have a node"
                if ready == wanted
                else f"{ready} of {wanted} workers have a node; the others wait for one with {cpus}"
            )

    def _say(self, text: str) -> None:
        self.out.append(Notice(text=text))


def _nodes() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return found


def _on(node: Node) -> Any:
    return NodeAffinitySchedulingStrategy(node.node_id, soft=False)


def _cause(problem: BaseException) -> str:
    """The last line of what Ray makes of a failure: the failure itself."""
    cause = getattr(problem, "cause", None) or problem
    lines = [line for line in str(cause).strip().splitlines() if line.strip()]
    text = lines[-1].strip() if lines else type(cause).__name__
    return text[:300]

"""The text on its way to the nodes: each is sent it once, through one of its workers."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from ray.exceptions import RayError

from bardtune.data.corpus import Corpus, load_corpus
from bardtune.data.errors import CorpusError
from bardtune.search.launch.cluster.calls import Calls
from bardtune.search.launch.cluster.nodes import Node
from bardtune.search.launch.cluster.remote_worker import RemoteWorker
from bardtune.search.launch.ray import Brief

PART_BYTES = 32 << 20  # that are sent at a time
LONG_TEXT_BYTES = 64 << 20


class TextSender:
    """Makes workers ready: one is when its node has the text.

    Args:
        brief: which text.
        workers: all of the study.
        calls: on the cluster.
        say: tells the user something.
        on_problem: told of a worker that has ended before it was ready.
    """

    def __init__(
        self,
        brief: Brief,
        workers: Sequence[RemoteWorker],
        calls: Calls,
        *,
        say: Callable[[str], None],
        on_problem: Callable[[RemoteWorker, RayError], None],
    ) -> None:
        self.brief, self.workers, self.calls = brief, workers, calls
        self.say, self.on_problem = say, on_problem
        self.senders: dict[Node, RemoteWorker] = {}  # through which the text is sent there
        self.text: Corpus | None = None

    def make_ready(self, worker: RemoteWorker) -> None:
        """Ask a worker whether its node has the text, and send it if it has not."""
        self.calls.expect(
            worker.actor.has_text.remote(self.brief.corpus_sha256),
            worker,
            partial(self._answered, worker),
            partial(self.on_problem, worker),
        )

    def is_sent_through_another(self, worker: RemoteWorker, node: Node) -> bool:
        """Whether the worker only waits until another one of its node has the text."""
        return self.senders.get(node, worker) is not worker

    def gone(self, worker: RemoteWorker) -> None:
        """A worker is given up; another one of its node takes over what was sent through it."""
        if worker.node is not None and self.senders.get(worker.node) is worker:
            del self.senders[worker.node]
            self._ask_all_of(worker.node, but=worker)

    def _answered(self, worker: RemoteWorker, has_text: bool) -> None:
        assert worker.node is not None
        if has_text:
            worker.is_ready = True
        elif worker.node not in self.senders:
            self.senders[worker.node] = worker
            self._send(worker, 0)

    def _send(self, worker: RemoteWorker, offset: int) -> None:
        assert worker.node is not None
        content, worker.hired_at = self._load().content, time.monotonic()
        if offset >= len(content):
            del self.senders[worker.node]
            self._ask_all_of(worker.node)
            return
        if not offset and len(content) > LONG_TEXT_BYTES:
            self.say(f"sending {len(content) / 1e6:,.0f} MB of text to node {worker.node.number} ...")
        end = min(offset + PART_BYTES, len(content))
        self.calls.expect(
            worker.actor.add_text.remote(self.brief.corpus_sha256, offset, content[offset:end], end == len(content)),
            worker,
            lambda _: self._send(worker, end),
            partial(self.on_problem, worker),
        )

    def _ask_all_of(self, node: Node, but: RemoteWorker | None = None) -> None:
        for worker in self.workers:
            if worker.node is node and worker is not but and not worker.is_ready and not self.calls.is_expected(worker):
                self.make_ready(worker)

    def _load(self) -> Corpus:
        if self.text is None or self.text.has_changed:
            self.text = load_corpus(self.brief.corpus)
        if self.text.sha256 != self.brief.corpus_sha256:
            raise CorpusError(f"the corpus {self.brief.corpus} has changed since the study began; put it back.")
        return self.text

"""What runs on a node of the cluster: one worker, which trains in a process of its own as on a single machine."""

import socket
import time
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bardtune.data.host import core_numbers, cpu_kind
from bardtune.model import METRIC_VERSION, TRAINER_VERSION
from bardtune.search.launch.cluster.messages import Item, ItemKind, NodeFacts, Report, Wish
from bardtune.search.launch.cluster.node_files import NodeFiles
from bardtune.search.launch.local import LocalLauncher
from bardtune.search.launch.protocol import Ended, RunOrder
from bardtune.search.launch.wire import encode

SAVED_EVERY_S = 5.0  # at most so often a checkpoint is handed over while the run goes on
MOST_LOG_BYTES = 1 << 16  # of the process's output that are handed over at a time; of more, the end


def versions() -> dict[str, str]:
    """What must be the same on every machine of a study."""
    libraries = {name: version(name) for name in ("bardtune", "torch", "numpy")}
    return {**libraries, "trainer": str(TRAINER_VERSION), "metric": str(METRIC_VERSION)}


def describe() -> NodeFacts:
    """What this node is."""
    return NodeFacts(
        host=socket.gethostname(), cpu=cpu_kind(), numba=find_spec("numba") is not None, versions=versions()
    )


class NodeWorker:
    """Trains one run at a time; everything it says is kept until it has been seen.

    Args:
        threads: of a run.
        num_cpus: what the cluster gives of this node. Where that is all, each worker has cores of its own; otherwise
            nobody knows which they are.
        root: for its files; see ``NodeFiles``.
    """

    def __init__(self, *, threads: int, num_cpus: int, root: Path | None = None) -> None:
        self.files = NodeFiles(root)
        cores = core_numbers()
        has_several = num_cpus == len(cores) and num_cpus >= 2 * threads
        own = self.files.take_cores(cores, threads) if has_several else []
        self.launcher = LocalLauncher(workers=1, threads=threads, logs=[self.files.log], cores=[own])
        self.number = 0  # of the present order
        self.run_id: str | None = None  # in progress
        self.is_stopping = False
        self.items: list[Item] = []
        self.last_item = 0
        self.log_bytes = 0  # of the log that were handed over
        self.saved_at, self.saved_stamp = 0.0, 0

    def has_text(self, sha256: str) -> bool:
        """Whether the node has the text."""
        return self.files.has_text(sha256)

    def add_text(self, sha256: str, offset: int, part: np.ndarray, is_last: bool) -> None:
        """Take in a part of the text; see ``NodeFiles``."""
        self.files.add_text(sha256, offset, part, is_last=is_last)

    def exchange(self, wish: Wish, content: bytes | None) -> Report:
        """Do what is wished and say what has happened.

        Args:
            wish: the order, and whether it is to stop.
            content: the checkpoint to go on from, or the weights to score; needed when the order is new.
        """
        self.items = [item for item in self.items if item.number > wish.seen]
        if wish.number > self.number:
            self._begin(wish, content)
        if wish.stop is not None and self.run_id is not None and not self.is_stopping:
            self.is_stopping = True
            self.launcher.stop(self.run_id, wish.stop)
        if self.run_id is not None:
            self._listen(0.0 if self.items else wish.wait_s)
        return Report(number=self.number, items=tuple(self.items))

    def _begin(self, wish: Wish, content: bytes | None) -> None:
        files, order = self.files, wish.order
        files.clear_run()
        text = str(files.text(order.corpus_sha256))
        if isinstance(order, RunOrder):
            order = replace(order, corpus=text, checkpoint=files.checkpoint, weights=files.weights)
            path = files.checkpoint
        else:
            order = replace(order, corpus=text, weights=files.weights)
            path = files.weights
        if content is not None:
            path.write_bytes(content)
        self.number, self.run_id, self.is_stopping = wish.number, order.run_id, False
        self.saved_at, self.saved_stamp = 0.0, self._stamp()
        self.launcher.start(order)

    def _listen(self, wait_s: float) -> None:
        for event in self.launcher.events(wait_s):
            is_over = isinstance(event, Ended)
            self._hand_over_checkpoint(at_once=is_over)
            if isinstance(event, Ended):
                self._hand_over_log()
                if event.ending == "finished" and event.test_bpb is None and self.files.weights.exists():
                    self._add("weights", self.files.weights.read_bytes())
                self.run_id = None
            self._add("event", encode(event))
        self._hand_over_log()

    def _hand_over_checkpoint(self, *, at_once: bool) -> None:
        stamp, now = self._stamp(), time.monotonic()
        if stamp in (0, self.saved_stamp) or not (at_once or now - self.saved_at >= SAVED_EVERY_S):
            return
        try:
            content = self.files.checkpoint.read_bytes()
        except OSError:  # it is just being replaced
            return
        self.saved_at, self.saved_stamp = now, stamp
        self.items = [item for item in self.items if item.kind != "checkpoint"]  # the newest is enough
        self._add("checkpoint", content)

    def _stamp(self) -> int:
        """Tells one checkpoint from the next; 0 if there is none."""
        try:
            return self.files.checkpoint.stat().st_mtime_ns
        except OSError:
            return 0

    def _hand_over_log(self) -> None:
        try:
            with self.files.log.open("rb") as file:
                size = file.seek(0, 2)
                begin = self.log_bytes if size >= self.log_bytes else 0  # it was shortened
                if size == begin:
                    return
                file.seek(max(begin, size - MOST_LOG_BYTES))
                self._add("log", file.read(MOST_LOG_BYTES))
                self.log_bytes = size
        except OSError:
            return

    def _add(self, kind: ItemKind, content: bytes) -> None:
        self.last_item += 1
        self.items.append(Item(number=self.last_item, kind=kind, content=content))

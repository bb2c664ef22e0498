"""A worker of a node, called as the bridge calls it, without a cluster."""

from pathlib import Path

import numpy as np
import pytest

from bardtune.data.corpus import load_corpus
from bardtune.search.launch.cluster.messages import Item, Report, Wish
from bardtune.search.launch.cluster.node import NodeWorker, describe, versions
from bardtune.search.launch.protocol import Ended, RunOrder, StopEnding
from bardtune.search.launch.wire import decode_event
from support.fakes import text_of
from support.workers_at_hand import order


class Caller:
    """Asks a worker until a run has ended, and forgets what it was told now and then, as a network may."""

    def __init__(self, worker: NodeWorker) -> None:
        self.worker, self.number, self.seen = worker, 0, 0

    def follow(
        self,
        run: RunOrder,
        content: bytes | None = None,
        *,
        stop_at: str | None = None,
        ending: StopEnding | None = None,
    ) -> list[Item]:
        """All items of a run, each once; it is stopped when an item of a kind has come."""
        self.number += 1
        found: list[Item] = []
        stop: StopEnding | None = None
        for turn in range(2_000):
            wish = Wish(number=self.number, order=run, stop=stop, seen=self.seen, wait_s=0.2)
            report: Report = self.worker.exchange(wish, content)
            assert report.number == self.number
            if turn % 3 == 1:  # this answer is lost
                continue
            found += [item for item in report.items if item.number > self.seen]
            self.seen = max([self.seen, *(item.number for item in report.items)])
            if stop_at is not None and any(item.kind == stop_at for item in found):
                stop = ending
            if any(item.kind == "event" and isinstance(decode_event(item.content), Ended) for item in found):
                return found
        raise AssertionError("the run does not end")


def ended(items: list[Item]) -> Ended:
    (found,) = [
        event for item in items if item.kind == "event" and isinstance(event := decode_event(item.content), Ended)
    ]
    return found


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(text_of(20_000))
    return path


def test_a_run_is_stopped_goes_on_elsewhere_from_what_was_handed_over_and_says_everything_once(
    tmp_path: Path, text: Path
) -> None:
    corpus = load_corpus(str(text))
    worker = NodeWorker(threads=1, num_cpus=1, root=tmp_path / "one")
    try:
        assert not worker.has_text(corpus.sha256)
        worker.add_text(corpus.sha256, 0, np.asarray(corpus.content), True)
        assert worker.has_text(corpus.sha256)
        caller, run = Caller(worker), order(tmp_path / "nowhere.txt", "one", 600.0, text=text)
        first = caller.follow(run, stop_at="event", ending="interrupted")
        assert ended(first).ending == "interrupted"
        checkpoint = [item for item in first if item.kind == "checkpoint"][-1].content
        steps = ended(first).stats["steps"]

        short = order(tmp_path / "nowhere.txt", "two", 0.3, text=text)
        items = caller.follow(short)
        assert ended(items).ending == "finished"
        assert [item.kind for item in items].count("weights") == 1
        numbers = [item.number for item in first + items]
        assert numbers == sorted(set(numbers))
    finally:
        worker.launcher.close()
    worker = NodeWorker(threads=1, num_cpus=1, root=tmp_path / "one")  # another process, elsewhere
    try:
        again = Caller(worker).follow(run, checkpoint, stop_at="event", ending="pruned")
        assert ended(again).ending == "pruned"
        assert ended(again).stats["steps"] > steps
    finally:
        worker.launcher.close()
    assert not (tmp_path / "one.pt").exists(), "a worker on a node writes to the coordinator's path"


def test_a_node_says_what_it_is() -> None:
    said = describe()
    assert said.versions == versions()
    assert set(said.versions) == {"bardtune", "torch", "numpy", "trainer", "metric"}
    assert said.kind == (said.cpu, said.numba)

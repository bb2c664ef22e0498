"""The workers of a study on a cluster that is only said to be one: what becomes of runs when it fails."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.clusters import needs_ray
from support.fakes import text_of
from support.workers_at_hand import order

pytestmark = needs_ray
ray_exceptions = pytest.importorskip("ray.exceptions", reason="ray is not installed: pip install 'bardtune[ray]'")

from bardtune.search.launch.cluster import calls, texts  # noqa: E402
from bardtune.search.launch.cluster.fleet import MOST_FAILURES, Fleet  # noqa: E402
from bardtune.search.launch.cluster.messages import Item, NodeFacts, Report, Wish  # noqa: E402
from bardtune.search.launch.cluster.node import versions  # noqa: E402
from bardtune.search.launch.protocol import Ended, Heartbeat, Notice, Placed, RunOrder  # noqa: E402
from bardtune.search.launch.ray import Brief, Room  # noqa: E402
from bardtune.search.launch.wire import encode  # noqa: E402

TEXT = text_of(20_000)
SHA256 = hashlib.sha256(TEXT).hexdigest()
DIED = ray_exceptions.ActorDiedError()
AWAY = ray_exceptions.ActorUnavailableError("away", None)


@dataclass(eq=False)
class Reference:
    """What a call will give."""

    value: Any = None
    is_there: bool = False

    def give(self, value: Any) -> "Reference":
        self.value, self.is_there = value, True
        return self


@dataclass(eq=False)
class FakeActor:
    """A worker on a node; it has the text where its node has, and answers what the test says."""

    node: str
    cluster: "FakeRay"
    wishes: list[Wish] = field(default_factory=list)
    open: Reference | None = None  # the question that is not answered yet
    is_killed: bool = False
    seen: int = 0

    def __getattr__(self, name: str) -> Any:
        return Call(lambda *args: getattr(self, f"on_{name}")(*args))

    def on_has_text(self, sha256: str) -> Reference:
        if self.node in self.cluster.mute:
            return Reference()
        return Reference().give(self.cluster.failing.get(self.node, (self.node, sha256) in self.cluster.texts))

    def on_add_text(self, sha256: str, offset: int, part: Any, is_last: bool) -> Reference:
        self.cluster.parts.append((self.node, offset, len(part)))
        if self.cluster.holds_parts:
            return Reference()
        if is_last:
            self.cluster.texts.add((self.node, sha256))
        return Reference().give(None)

    def on_exchange(self, wish: Wish, content: bytes | None) -> Reference:
        self.wishes.append(wish)
        self.open = Reference()
        return self.open

    def says(self, *events: Any) -> None:
        """Answer with events; none: only that it has the order."""
        assert self.open is not None
        items = []
        for event in events:
            self.seen += 1
            items.append(Item(number=self.seen, kind="event", content=encode(event)))
        self.open.give(Report(number=self.wishes[-1].number, items=tuple(items)))


@dataclass
class Call:
    function: Callable[..., Any]

    def remote(self, *args: Any, **named: Any) -> Any:
        return self.function(*args, **named)


@dataclass
class FakeRay:
    """As much of Ray as is asked."""

    alive: dict[str, int]
    texts: set[tuple[str, str]] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)  # nodes on which no actor begins
    failing: dict[str, Exception] = field(default_factory=dict)
    parts: list[tuple[str, int, int]] = field(default_factory=list)
    holds_parts: bool = False
    actors: list[FakeActor] = field(default_factory=list)

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": name, "Alive": True, "Resources": {"CPU": cpus}} for name, cpus in self.alive.items()]

    def remote(self, what: Any) -> "FakeRay":
        return self

    def options(self, *, scheduling_strategy: str, num_cpus: int, **_: Any) -> Call:
        node = scheduling_strategy
        if num_cpus == 0:
            facts = NodeFacts(host=node, cpu="xeon", numba=True, versions=versions())
            return Call(lambda: Reference().give(facts))

        def begin(**_: Any) -> FakeActor:
            self.actors.append(FakeActor(node, self))
            return self.actors[-1]

        return Call(begin)

    def put(self, content: bytes) -> bytes:
        return content

    def wait(self, references: list[Reference], *, num_returns: int, timeout: float) -> tuple[list[Reference], None]:
        return [each for each in references if each.is_there][:num_returns], None

    def get(self, reference: Reference) -> Any:
        if isinstance(reference.value, Exception):
            raise reference.value
        return reference.value

    def kill(self, actor: FakeActor) -> None:
        actor.is_killed = True


class Played:
    """A fleet on a fake cluster, and a clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, workers: int, **alive: int) -> None:
        self.text = folder / "text.txt"
        self.text.write_bytes(TEXT)
        self.ray, self.now = FakeRay(alive), 1_000.0
        monkeypatch.setattr(calls, "ray", self.ray)
        monkeypatch.setattr(calls, "_on", lambda node: node.node_id)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        brief = Brief(
            address=None,
            workers=workers,
            threads=1,
            corpus=str(self.text),
            corpus_sha256=SHA256,
            kind=None,
            is_mixed=False,
            known_nodes={},
            logs=[str(folder / f"log{index}") for index in range(workers)],
        )
        self.fleet = Fleet(brief)
        self.heard: list[Any] = []

    def steps(self, count: int = 12, seconds: float = 0.2) -> list[Any]:
        """What is said in so many steps."""
        found = []
        for _ in range(count):
            self.now += seconds
            found += self.fleet.step(0.0)
        self.heard += found
        return found

    @property
    def room(self) -> int:
        return [event.workers for event in self.heard if isinstance(event, Room)][-1]

    def run(self, name: str = "search-0000") -> RunOrder:
        return order(self.text, name, 1.0)

    def actor_of(self, run_id: str) -> FakeActor:
        return next(
            each
            for each in self.ray.actors
            if each.wishes and each.wishes[-1].order.run_id == run_id and not each.is_killed
        )


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Played]:
    return lambda workers, **alive: Played(tmp_path, monkeypatch, workers, **alive)


def ends(events: list[Any]) -> list[tuple[str, str]]:
    return [(event.run_id, event.ending) for event in events if isinstance(event, Ended)]


def test_the_text_is_sent_once_to_each_node_and_again_through_another_where_the_sender_dies(
    play: Callable[..., Played], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "PART_BYTES", 8_000)
    played = play(4, a=2, b=2)
    played.steps()
    assert played.room == 4
    assert sorted(played.ray.parts) == [
        (node, at, min(8_000, 20_000 - at)) for node in "ab" for at in (0, 8_000, 16_000)
    ]
    played = play(2, a=2)
    played.ray.holds_parts = True
    played.steps()
    (sender,) = played.fleet.texts.senders.values()
    played.ray.holds_parts = False
    played.fleet._dismiss(sender)
    played.steps()
    assert played.room == 2


def test_a_run_that_loses_its_worker_is_interrupted_and_the_third_time_it_has_crashed(
    play: Callable[..., Played],
) -> None:
    played = play(1, a=1)
    played.steps()
    for ending in ("interrupted", "interrupted", "crashed"):
        played.fleet.start(played.run())
        played.steps(2)
        actor = played.actor_of("search-0000")
        actor.says(Heartbeat(run_id="search-0000", step=1, elapsed_s=0.1))
        assert any(isinstance(event, Placed) for event in played.steps(2))
        assert actor.open is not None
        actor.open.give(DIED)
        assert ends(played.steps()) == [("search-0000", ending)]
        assert actor.is_killed
        played.fleet.nodes.by_id["a"].failures = 0  # as if others had ended well there
        played.steps(12, seconds=1.0)  # another worker takes its place
        assert played.room == 1


def test_an_order_that_its_worker_never_heard_goes_to_another_and_counts_as_no_loss(
    play: Callable[..., Played],
) -> None:
    played = play(3, a=3)
    played.steps()
    played.fleet.start(played.run())
    for _ in range(2):
        actor = played.actor_of("search-0000")
        assert actor.open is not None
        actor.open.give(DIED)
        assert ends(played.steps(1)) == []
    assert not played.fleet.losses
    played.actor_of("search-0000").says(Ended(run_id="search-0000", ending="finished", val_bpb=2.0))
    assert ends(played.steps(3)) == [("search-0000", "finished")]


def test_an_order_that_takes_down_whoever_hears_of_it_ends_too(play: Callable[..., Played]) -> None:
    played = play(3, a=3)
    played.steps()
    found: list[tuple[str, str]] = []
    for _ in range(40):
        if not found or found[-1][1] == "interrupted":
            played.fleet.start(played.run())
        for actor in [each for each in played.ray.actors if each.wishes and not each.is_killed and each.open]:
            actor.open.give(DIED)
        played.fleet.nodes.by_id["a"].failures = 0
        found += ends(played.steps(8, seconds=1.0))
        if found and found[-1][1] == "crashed":
            break
    assert found[-1] == ("search-0000", "crashed")


def test_an_order_without_a_place_ends_at_once(play: Callable[..., Played]) -> None:
    played = play(1, a=1)
    played.steps()
    played.ray.alive.clear()
    played.steps()
    assert played.room == 0
    played.fleet.start(played.run())
    assert ends(played.steps(1)) == [("search-0000", "interrupted")]


def test_who_cannot_be_reached_is_asked_again_and_who_stays_silent_is_given_up(play: Callable[..., Played]) -> None:
    played = play(1, a=1)
    played.steps()
    played.fleet.start(played.run())
    actor = played.actor_of("search-0000")
    assert actor.open is not None
    actor.says()
    played.steps(2)
    actor.open.give(AWAY)
    played.steps(20)
    assert len(actor.wishes) >= 3
    actor.says(Heartbeat(run_id="search-0000", step=1, elapsed_s=0.1))
    played.steps(2)
    assert ends(played.steps(14, seconds=4.0)) == []
    assert ends(played.steps(3, seconds=4.0)) == [("search-0000", "interrupted")]
    assert actor.is_killed


def test_who_had_to_stand_still_does_not_take_the_others_for_silent(play: Callable[..., Played]) -> None:
    played = play(1, a=1)
    played.steps()
    played.fleet.start(played.run())
    played.actor_of("search-0000").says()
    played.steps(2)
    assert ends(played.steps(1, seconds=600.0)) == []
    played.actor_of("search-0000").says(Ended(run_id="search-0000", ending="finished", val_bpb=2.0))
    assert ends(played.steps(2)) == [("search-0000", "finished")]


def test_a_run_that_does_not_stop_when_asked_to_ends_as_it_was_asked(play: Callable[..., Played]) -> None:
    played = play(1, a=1)
    played.steps()
    played.fleet.start(played.run())
    actor = played.actor_of("search-0000")
    actor.says()
    played.steps(2)
    played.fleet.stop("search-0000", "interrupted")
    for _ in range(60):
        actor.says(Heartbeat(run_id="search-0000", step=1, elapsed_s=0.1))
        if found := ends(played.steps(1, seconds=1.0)):
            break
    assert found == [("search-0000", "interrupted")]
    assert actor.wishes[-1].stop == "interrupted"


def test_a_node_that_others_use_is_tried_later_and_the_others_are_used(play: Callable[..., Played]) -> None:
    played = play(1, busy=8, free=2)
    played.ray.mute.add("busy")
    played.steps()
    assert played.room == 0
    played.steps(25, seconds=4.0)
    assert played.room == 1
    assert [each.node for each in played.ray.actors] == ["busy", "free"]
    said = [event.text for event in played.heard if isinstance(event, Notice)]
    assert any("has had no room for" in text for text in said)


def test_a_node_on_which_nothing_succeeds_is_left_out_and_the_runs_go_on_elsewhere(play: Callable[..., Played]) -> None:
    played = play(1, sick=4, well=1)
    played.ray.texts |= {("sick", SHA256), ("well", SHA256)}
    played.steps()
    full = ray_exceptions.RayTaskError("exchange", "no space left on device", OSError("no space left on device"))
    for number in range(MOST_FAILURES):
        name = f"search-000{number}"
        played.fleet.start(played.run(name))
        actor = played.actor_of(name)
        actor.says()
        played.steps(2)
        assert actor.open is not None
        actor.open.give(full)
        assert ends(played.steps(12, seconds=1.0)) == [(name, "interrupted")]
    assert [each.node for each in played.ray.actors if not each.is_killed] == ["well"]
    said = [event.text for event in played.heard if isinstance(event, Notice)]
    assert any("the node sick is left out: nothing can be trained there: no space left" in text for text in said)
    assert played.room == 1

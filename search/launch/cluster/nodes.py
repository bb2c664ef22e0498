"""The nodes of a cluster: which there are, and on which of them a study's runs compare."""

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bardtune.search.launch.cluster.messages import NodeFacts

ANSWER_WITHIN_S = 30.0  # what a node is; the others do not wait for longer
Kind = tuple[str, bool]  # the processor, and whether loops are compiled


@dataclass(eq=False, slots=True)
class Node:
    """One node, from when it joins; one that comes back is another."""

    node_id: str
    num_cpus: int
    facts: NodeFacts | None = None  # None until it has said them
    number: int = 0  # what users call it, from 1; 0 for one that is not used
    refusal: str | None = None  # why nothing trains there
    is_alive: bool = True
    num_workers: int = 0  # of the study, there
    failures: int = 0  # of workers there, one after the other
    rests_until: float = 0.0  # before that no worker is sent there
    blamed_until: float = 0.0  # before that what fails there belongs to the last failure
    is_said: bool = False  # that it has no room


class NodeList:
    """All nodes that have joined.

    Args:
        threads: of a run.
        versions: of what must be the same everywhere.
        kind: of the runs that there are; None if there is none yet: the commonest kind becomes it.
        is_mixed: whether runs may train on nodes of any kind.
        known: numbers by host, of earlier sessions.
        say: tells the user something.
        clock: seconds.
    """

    def __init__(
        self,
        *,
        threads: int,
        versions: dict[str, str],
        kind: Kind | None,
        is_mixed: bool,
        known: dict[str, list[int]],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.threads, self.versions, self.kind, self.is_mixed = threads, versions, kind, is_mixed
        self.known, self.say, self.clock = known, say, clock
        self.joined_at: dict[Node, float] = {}
        self.by_id: dict[str, Node] = {}

    def update(self, alive: dict[str, int]) -> tuple[list[Node], list[Node]]:
        """Take note of the nodes that the cluster has now, by their ids with their CPUs.

        Returns:
            those that have joined and can be asked, and those that have gone.
        """
        gone = [node for node in self.by_id.values() if node.is_alive and node.node_id not in alive]
        for node in gone:
            node.is_alive = False
            if node.number:
                self.say(f"node {node.number} is gone")
        joined = [Node(node_id, num_cpus) for node_id, num_cpus in alive.items() if node_id not in self.by_id]
        joined = [node for node in joined if node.num_cpus > 0]  # a head that only directs
        for node in joined:
            self.by_id[node.node_id], self.joined_at[node] = node, self.clock()
            if node.num_cpus < self.threads:
                self._refuse(node, f"it has {node.num_cpus} CPUs, and a run has {self.threads} threads")
        return [node for node in joined if node.refusal is None], gone

    def told(self, node: Node, facts: NodeFacts) -> None:
        """A node has said what it is."""
        node.facts = facts
        others = [f"{name} {facts.versions.get(name)}" for name, ours in self.versions.items()
                  if facts.versions.get(name) != ours]  # fmt: skip
        if others:
            ours = ", ".join(f"{name} {self.versions[name]}" for name in (other.split()[0] for other in others))
            self._refuse(node, f"it has {', '.join(others)}, and here it is {ours}")

    def failed(self, node: Node, why: str) -> None:
        """Nothing can be trained on a node."""
        self._refuse(node, why)

    def usable(self) -> list[Node]:
        """Nodes that runs may train on, in the order of their numbers; whoever is new is told of."""
        if self.kind is None and not self.is_mixed:
            self.kind = self._commonest()
        good = [node for node in self.by_id.values() if node.is_alive and node.facts and node.refusal is None]
        if self.kind is None and not self.is_mixed:
            return []
        for node in good:
            assert node.facts is not None
            if not self.is_mixed and node.facts.kind != self.kind:
                wanted = _kind_text(self.kind)
                self._refuse(
                    node,
                    f"it is {_kind_text(node.facts.kind)}, and the runs of this study are made on {wanted}, with "
                    "which they would not compare; --mixed-machines takes all",
                )
            elif not node.number:
                self._number(node)
        return sorted((node for node in good if node.refusal is None), key=lambda node: node.number)

    def _commonest(self) -> Kind | None:
        """The kind that most runs find room on; None as long as some node may still say what it is."""
        if any(self._is_asked(node) for node in self.by_id.values()):
            return None
        room: Counter[Kind] = Counter()
        for node in self.by_id.values():
            if node.is_alive and node.facts is not None and node.refusal is None:
                room[node.facts.kind] += node.num_cpus // self.threads
        return max(room, key=lambda kind: (room[kind], kind), default=None)

    def _is_asked(self, node: Node) -> bool:
        is_open = node.is_alive and node.facts is None and node.refusal is None
        return is_open and self.clock() - self.joined_at[node] < ANSWER_WITHIN_S

    def _number(self, node: Node) -> None:
        assert node.facts is not None
        taken = {other.number for other in self.by_id.values() if other.is_alive}
        free = [number for number in self.known.get(node.facts.host, []) if number not in taken]
        highest = max([number for numbers in self.known.values() for number in numbers], default=0)
        node.number = free[0] if free else highest + 1
        if not free:
            self.known.setdefault(node.facts.host, []).append(node.number)
        cores = f"{node.num_cpus} CPU{'s' * (node.num_cpus != 1)}"
        self.say(f"node {node.number} is {node.facts.host}: {cores}, {_kind_text(node.facts.kind)}")

    def _refuse(self, node: Node, why: str) -> None:
        node.refusal = why
        name = "a node" if node.facts is None else f"the node {node.facts.host}"
        self.say(f"{name} is left out: {why}")


def most_room(nodes: Collection[Node], threads: int, now: float) -> Node | None:
    """Where a worker is to go: the node with the most room left; None if none has any."""
    room = {node: node.num_cpus // threads - node.num_workers for node in nodes if node.rests_until <= now}
    return max((node for node in room if room[node] > 0), key=lambda node: room[node], default=None)


def _kind_text(kind: Kind | None) -> str:
    assert kind is not None
    return kind[0] if kind[1] else f"{kind[0]}, without numba"

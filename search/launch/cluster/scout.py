"""Which nodes there are, and what they are: looks for those that have joined or gone, and asks the new ones."""

import math
import time
from collections import Counter
from functools import partial

from ray.exceptions import RayError

from bardtune.search.launch.cluster.calls import Calls, alive_nodes, ask_facts, cause
from bardtune.search.launch.cluster.nodes import Node, NodeList

LOOK_EVERY_S = 1.0  # for nodes that have joined or gone
ASK_AGAIN_S = 5.0  # a node what it is
MOST_QUESTIONS = 3  # to a node, what it is


class Scout:
    """Keeps a list of nodes up to date.

    Args:
        nodes: the list.
        calls: on the cluster.
    """

    def __init__(self, nodes: NodeList, calls: Calls) -> None:
        self.nodes, self.calls = nodes, calls
        self.questions: Counter[Node] = Counter()
        self.ask_again: dict[Node, float] = {}  # when
        self.looked_at = -math.inf

    def hurry(self) -> None:
        """Look again at the next occasion: some node may be gone."""
        self.looked_at = -math.inf

    def look(self) -> list[Node]:
        """Take note of what has changed; returns the nodes that have gone."""
        now = time.monotonic()
        if now - self.looked_at < LOOK_EVERY_S:
            return []
        self.looked_at = now
        joined, gone = self.nodes.update(alive_nodes())
        for node in [*joined, *(node for node, at in self.ask_again.items() if now >= at)]:
            self._ask(node)
        return gone

    def _ask(self, node: Node) -> None:
        self.ask_again.pop(node, None)
        self.questions[node] += 1
        self.calls.expect(ask_facts(node), node, partial(self.nodes.told, node), partial(self._not_told, node))

    def _not_told(self, node: Node, problem: RayError) -> None:
        if not node.is_alive:
            return
        if "No module named 'bardtune'" in str(problem) or "failed to import" in str(problem):
            self.nodes.failed(node, "bardtune is not installed there as it is here")
        elif self.questions[node] < MOST_QUESTIONS:
            self.ask_again[node] = time.monotonic() + ASK_AGAIN_S
        else:
            self.nodes.failed(node, cause(problem))

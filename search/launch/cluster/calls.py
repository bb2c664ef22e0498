"""What is asked of Ray itself, and who is told of the answers, those of its actors too."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bardtune.search.launch.cluster.node import NodeWorker, describe
from bardtune.search.launch.cluster.nodes import Node

OnValue = Callable[[Any], None]
OnProblem = Callable[[RayError], None]


class Calls:
    """Calls on the cluster whose answers are not there yet."""

    def __init__(self) -> None:
        self.pending: dict[Any, tuple[object, OnValue, OnProblem]] = {}

    def expect(self, reference: Any, owner: object, on_value: OnValue, on_problem: OnProblem) -> None:
        """Have one of the two called once the answer is there.

        Args:
            reference: to the answer.
            owner: whom the call is on.
        """
        self.pending[reference] = owner, on_value, on_problem

    def is_expected(self, owner: object) -> bool:
        """Whether an answer of this one is still to come."""
        return any(each is owner for each, *_ in self.pending.values())

    def forget(self, owner: object) -> None:
        """Hear nothing more of this one."""
        self.pending = {reference: call for reference, call in self.pending.items() if call[0] is not owner}

    def settle(self, timeout_s: float) -> None:
        """Hand on what has arrived; waits up to ``timeout_s`` for something."""
        if not self.pending:
            time.sleep(timeout_s)
            return
        arrived, _ = ray.wait(list(self.pending), num_returns=1, timeout=timeout_s)
        if arrived:
            arrived, _ = ray.wait(list(self.pending), num_returns=len(self.pending), timeout=0)
        for reference in arrived:
            if reference not in self.pending:  # its owner was given up meanwhile
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


def alive_nodes() -> dict[str, int]:
    """The nodes that the cluster has now, by their ids with their CPUs."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return {node["NodeID"]: int(node["Resources"].get("CPU", 0)) for node in found if node["Alive"]}


def ask_facts(node: Node) -> Any:
    """Have a node say what it is; returns a reference to its NodeFacts."""
    task = ray.remote(describe).options(num_cpus=0, max_retries=0, scheduling_strategy=_on(node))
    return task.remote()


def begin_worker(node: Node, threads: int) -> Any:
    """Begin a worker on a node; returns it as Ray's actor, whose methods answer with references."""
    actor_class = ray.remote(NodeWorker).options(
        num_cpus=threads, max_restarts=0, max_task_retries=0, scheduling_strategy=_on(node)
    )
    return actor_class.remote(threads=threads, num_cpus=node.num_cpus)


def end_worker(actor: Any) -> None:
    """End a worker's process, wherever it is."""
    with suppress(Exception):  # it may be gone, or not have been begun
        ray.kill(actor)


def keep(content: bytes) -> Any:
    """Keep something for whoever on the cluster needs it; returns a reference to it."""
    return ray.put(content)


def cause(problem: BaseException) -> str:
    """The last line of what Ray makes of a failure: the failure itself."""
    origin = getattr(problem, "cause", None) or problem
    lines = [line for line in str(origin).strip().splitlines() if line.strip()]
    text = lines[-1].strip() if lines else type(origin).__name__
    return text[:300]


def _on(node: Node) -> Any:
    return NodeAffinitySchedulingStrategy(node.node_id, soft=False)

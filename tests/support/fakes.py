"""Scripted stand-ins for the places where runs train and the people who watch; and a text to train on."""

import math
import random
from collections.abc import Callable
from typing import Any

from bardtune.search.launch.protocol import Ended, Heartbeat, Measured, RunEvent, RunOrder, ScoreOrder

TEST_IS_WORSE = 0.05
Script = Callable[[RunOrder], list[Any]]  # bpbs at 10 %, 20 %, ...; the tenth is final; an Ended cuts it short


def falling_to(final_bpb: float) -> list[float]:
    """Ten bpbs that fall to ``final_bpb``."""
    return [final_bpb + 0.1 * left for left in range(9, -1, -1)]


class ScriptedLauncher:
    """Says what its script says, one measurement a tick for each run."""

    def __init__(self, script: Script, *, capacity: int = 1) -> None:
        self.script, self.capacity = script, capacity
        self.running: dict[str, list[Any]] = {}
        self.orders: list[RunOrder] = []
        self.stopped: dict[str, str] = {}
        self.most_at_once = 0
        self.scale_s = 1.0  # the budget of its runs
        self.finals: dict[str, float] = {}  # bpb of finished runs
        self.scored: list[str] = []

    def start(self, order: RunOrder | ScoreOrder) -> None:
        assert len(self.running) < self.capacity
        if isinstance(order, ScoreOrder):
            self.scored.append(order.run_id)
            bpb = self.finals.get(order.run_id, math.nan)
            self.running[order.run_id] = [
                Ended(run_id=order.run_id, ending="finished", val_bpb=bpb, test_bpb=bpb + TEST_IS_WORSE)
            ]
            return
        self.orders.append(order)
        self.running[order.run_id] = list(self.script(order))
        self.most_at_once = max(self.most_at_once, len(self.running))

    def events(self, timeout_s: float) -> list[RunEvent]:
        return [event for run_id in list(self.running) for event in self.next_of(run_id)]

    def next_of(self, run_id: str) -> list[RunEvent]:
        left = self.running[run_id]
        if run_id in self.stopped:
            del self.running[run_id]
            return [Ended(run_id=run_id, ending=self.stopped[run_id], stats=stats(len(left), self.scale_s))]
        value = left.pop(0)
        if isinstance(value, Ended):
            del self.running[run_id]
            return [value]
        percent = 100 - 10 * len(left)
        found: list[RunEvent] = [
            Heartbeat(run_id=run_id, step=percent, elapsed_s=percent / 100),
            Measured(
                run_id=run_id,
                percent=percent,
                step=percent,
                elapsed_s=percent / 100,
                val_bpb=value,
                final=not left,
            ),
        ]
        if not left:
            del self.running[run_id]
            self.finals[run_id] = value
            found.append(Ended(run_id=run_id, ending="finished", val_bpb=value, stats=stats(0, self.scale_s)))
        return found

    def stop(self, run_id: str, ending: str) -> None:
        self.stopped[run_id] = ending

    def close(self) -> None:
        self.running.clear()


def stats(tenths_left: int, budget_s: float) -> dict[str, Any]:
    train_s = budget_s * (1.0 - tenths_left / 10)
    return {"seconds": {"setup": 0.0, "train": train_s, "evaluate": 0.0, "checkpoint": 0.0}, "steps": 100}


class SilentView:
    """Watches and says nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **named: None


def text_of(num_bytes: int) -> bytes:
    """Words drawn from a short list, always the same."""
    chance = random.Random(1623)
    words = ["thou", "art", "more", "lovely", "and", "temperate", "rough", "winds", "do", "shake\n"]
    return " ".join(chance.choices(words, k=num_bytes)).encode()[:num_bytes]

"""A few steps of a model in a process of its own: whether it can work here, and what memory and time it takes.

    python -P -m bardtune.search.launch.tryout JSON

JSON is an object of ``settings``, ``corpus`` and ``threads``; the answer is one JSON line on standard output.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bardtune.data.awake import awake_s
from bardtune.search.launch.child import ChildOrder, run_child
from bardtune.search.launch.exit_reasons import oom_kills, reason_of, reason_of_exit
from bardtune.search.launch.processes import be_killed_first, thread_variables

MODULE = "bardtune.search.launch.tryout"
NUM_STEPS = 3
LIMIT_S = 300.0  # of one tryout, its start and its counting included
_FAR = 1_000  # steps of a budget of which no tenth is reached, so that nothing is measured


@dataclass(frozen=True, kw_only=True, slots=True)
class Tryout:
    """What came of a few steps."""

    reason: str | None = None  # why it did not work; None if it did
    num_params: int = 0
    memory_bytes: int = 0  # at most, of the whole process
    count_s: float = 0.0  # of the budget, before the first step
    step_s: float = 0.0

    def steps_in(self, budget_s: float) -> int:
        """How many steps about a run of this budget makes."""
        return max(0, int((budget_s - self.count_s) / self.step_s)) if self.step_s > 0 else 0


def try_out(settings: Mapping[str, Any], corpus: str, *, threads: int, limit_s: float = LIMIT_S) -> Tryout:
    """Take a few steps in a new process, and return when it has ended.

    Args:
        settings: all of a run.
        corpus: its text.
        threads: of it.
        limit_s: wall seconds after which it is ended.
    """
    order = json.dumps({"settings": dict(settings), "corpus": corpus, "threads": threads})
    command = [sys.executable, "-P", "-m", MODULE, order]
    kills_before = oom_kills()
    ended = run_child(
        ChildOrder(command=command, environment={**os.environ, **thread_variables(threads)}, limit_s=limit_s),
        should_continue=lambda: True,
        on_output=lambda _: None,
    )
    if ended.stopped is not None:
        return Tryout(reason=f"its {NUM_STEPS} steps were not made within {limit_s:g} s")
    try:
        return Tryout(**json.loads(ended.stdout.strip().rpartition("\n")[2]))
    except (ValueError, TypeError):
        if ended.exit_code >= 0:
            said = ended.stderr.strip().rpartition("\n")[2]
            return Tryout(reason=f"its process exited with code {ended.exit_code}: {said[:300]}")
        return Tryout(reason=reason_of_exit(ended.exit_code, kills_before=kills_before, kills_now=oom_kills(), log=""))


def main() -> None:
    order = json.loads(sys.argv[1])
    be_killed_first()
    try:
        found = _train(order["settings"], order["corpus"], threads=order["threads"])
    except Exception as problem:
        found = Tryout(reason=reason_of(problem))
    print(json.dumps(asdict(found)), flush=True)


def _train(settings: dict[str, Any], corpus_name: str, *, threads: int) -> Tryout:
    import torch

    from bardtune.data.corpus import load_corpus
    from bardtune.model.machine import keep_freed_memory
    from bardtune.model.settings import settings_from
    from bardtune.model.training.budget import step_budget
    from bardtune.model.training.trainer import StepAction, TrainingRun

    torch.set_num_threads(threads)
    keep_freed_memory()

    def on_step(step: int, spent_s: float) -> StepAction:
        return StepAction.GO_ON if step < NUM_STEPS else StepAction.STOP

    run = TrainingRun(
        settings_from(settings), load_corpus(corpus_name), budget=step_budget(num_steps=_FAR), on_step=on_step
    )
    began = awake_s()
    for _ in run.events():
        pass
    if run.diverged or run.steps < NUM_STEPS:
        return Tryout(reason=f"its loss stopped being a number at step {run.steps}")
    stats = run.stats()
    return Tryout(
        num_params=stats.num_params or 0,
        memory_bytes=stats.peak_memory_bytes or 0,
        count_s=round(run.build_s, 4),
        step_s=round((awake_s() - began) / NUM_STEPS, 6),
    )


if __name__ == "__main__":
    main()

"""Where do a training step's milliseconds go? The trainer's own steps, by phase and by operation."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch.profiler import ProfilerActivity, profile

from bardtune.data.corpus import BUILT_IN, load_corpus
from bardtune.data.errors import UserError
from bardtune.model.machine import keep_freed_memory
from bardtune.model.training import trainer
from bardtune.model.training.budget import step_budget
from bardtune.model.training.trainer import StepAction, TrainingRun
from bardtune.search.commands.train import check_threads
from benchmarks.parsing import OneSentenceParser, parse_candidate

PHASES = ("data", "forward", "backward", "optimizer")
WARM_UP_STEPS = 3
TOP_OPERATIONS = 15


def make_steps(run: TrainingRun, num_steps: int) -> float:
    """Let the run go on for ``num_steps`` steps; returns the seconds charged to its budget."""
    last, before_s = run.steps + num_steps, run.clock.spent_s
    run.on_step = lambda step, spent_s: StepAction.STOP if step >= last else StepAction.GO_ON
    for _ in run.events():
        pass
    return run.clock.spent_s - before_s


@contextmanager
def stopwatch(run: TrainingRun) -> Iterator[dict[str, float]]:
    """Count the seconds of the run's steps by phase, within the block.

    Of networks that learn side by side it is the mean over those that run at once.
    """
    seconds, lock = dict.fromkeys(PHASES, 0.0), threading.Lock()

    def timed(phase: str, call: Callable[..., Any], at_once: int) -> Callable[..., Any]:
        def call_timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                with lock:
                    seconds[phase] += (time.perf_counter() - began) / at_once

        return call_timed

    networks = run.model.networks
    at_once = min(len(networks), torch.get_num_threads())
    calls = [
        ("data", trainer, "shuffled_offsets", 1),
        ("data", trainer, "windows_at", 1),
        *(("forward", network, "_own_loss", at_once) for network in networks),
        ("backward", torch.autograd, "backward", at_once),
        ("optimizer", run.optimizers, "step", 1),
    ]
    with ExitStack() as stack:
        for phase, owner, name, side_by_side in calls:
            stack.enter_context(patch.object(owner, name, timed(phase, getattr(owner, name), side_by_side)))
        yield seconds


def phase_lines(run: TrainingRun, num_steps: int) -> Iterator[str]:
    with stopwatch(run) as seconds:
        total_s = make_steps(run, num_steps)
    yield f"{'phase':<44}{'ms a step':>12}{'share':>8}"
    told = {**seconds, "other": total_s - sum(seconds.values()), "step": total_s}
    for phase, spent_s in told.items():
        yield f"{phase:<44}{1e3 * spent_s / num_steps:12.2f}{spent_s / total_s:8.1%}"


def operation_lines(run: TrainingRun, num_steps: int) -> Iterator[str]:
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        make_steps(run, num_steps)
    operations = sorted(profiler.key_averages(), key=lambda operation: -operation.self_cpu_time_total)
    total_us = sum(operation.self_cpu_time_total for operation in operations)
    yield f"{'operation (its own time, under the profiler)':<44}{'ms a step':>12}{'share':>8}{'calls a step':>14}"
    for operation in operations[:TOP_OPERATIONS]:
        own_us = operation.self_cpu_time_total
        yield (
            f"{operation.key[:43]:<44}{own_us / 1e3 / num_steps:12.2f}{own_us / total_us:8.1%}"
            f"{operation.count / num_steps:14.1f}"
        )


def profile_lines(argv: Sequence[str] | None) -> Iterator[str]:
    parser = OneSentenceParser(prog="python -m benchmarks.profile_step", description=__doc__)
    parser.add_argument("settings", metavar="PRESET", help="a preset, or a .toml or .json file of settings")
    parser.add_argument("changes", nargs="*", metavar="name=value")
    parser.add_argument("--steps", type=int, default=20, help="measured for each of the two tables [default: 20]")
    parser.add_argument("--threads", type=int, help="[default: all cores]")
    parser.add_argument("--corpus", default=BUILT_IN, help="shakespeare, or a file or folder of text")
    args = parser.parse_intermixed_args(argv)
    candidate = parse_candidate(args.settings, args.changes)
    if args.steps < 1:
        raise UserError(f"--steps {args.steps} measures nothing; give 1 or more.")
    corpus, threads = load_corpus(args.corpus), check_threads(args.threads)
    torch.set_num_threads(threads)
    keep_freed_memory()
    # Less than a tenth of the run is made, so that nothing is evaluated.
    budget = step_budget(num_steps=11 * (WARM_UP_STEPS + 2 * args.steps))
    run = TrainingRun(candidate.settings(budget_s=180.0, seed=0), corpus, budget=budget)
    make_steps(run, WARM_UP_STEPS)
    yield (
        f"{' '.join([candidate.name, *args.changes])}: {run.model.num_params():,} parameters, "
        f"batch {run.settings.batch_size}, {args.steps} steps, {threads} threads, torch {torch.__version__}"
    )
    yield from phase_lines(run, args.steps)
    yield from operation_lines(run, args.steps)


def main(argv: Sequence[str] | None = None) -> int:
    try:
        for line in profile_lines(argv):
            print(line, flush=True)
    except UserError as problem:
        print(f"profile_step: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

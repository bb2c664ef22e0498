"""How much faster is a training step with the loops that numba compiles? Both in one run, by turns."""

import argparse
import statistics
import time
from contextlib import ExitStack
from unittest.mock import patch

import torch

from data.corpus import BUILT_IN, load_corpus
from model.budget import step_budget
from model.machine import keep_freed_memory
from model.presets import preset
from model.trainer import TrainingRun


def seconds_of_steps(run: TrainingRun, num_steps: int, *, loops: bool) -> float:
    """Make steps, with the loops or with the operations that they replace."""
    with ExitStack() as stack:
        if not loops:
            for module in ("counts", "experts"):
                stack.enter_context(patch(f"model.{module}.compiled", lambda loop: None))
        began = time.perf_counter()
        for _ in range(num_steps):
            run._step()
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10, help="steps of each kind in a pair")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--corpus", default=BUILT_IN, help="shakespeare, or a file or folder of text")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    num_steps = 2 * args.steps * (args.pairs + 1)
    settings = preset("modern", budget_s=180.0, seed=0)  # a short budget would count a part of the text
    run = TrainingRun(settings, load_corpus(args.corpus), budget=step_budget(num_steps=num_steps))
    pairs = [
        [seconds_of_steps(run, args.steps, loops=loops) for loops in (False, True)] for _ in range(args.pairs + 1)
    ][1:]  # the first pays for first-time costs
    ratios = sorted(operations_s / loops_s for operations_s, loops_s in pairs)
    for name, values in zip(("operations", "loops"), zip(*pairs, strict=True), strict=True):
        print(f"{name:11}{statistics.median(values) / args.steps * 1e3:8.2f} ms a step")
    print(
        f"ratio {statistics.median(ratios):.3f} (median; {ratios[0]:.3f} to {ratios[-1]:.3f}), "
        f"n={args.pairs} pairs of {args.steps} steps, {args.threads} threads, torch {torch.__version__}"
    )


if __name__ == "__main__":
    main()

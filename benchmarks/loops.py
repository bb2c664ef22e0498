"""How much faster do the loops that numba compiles make counting the text, and a training step? Both by turns."""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from unittest.mock import patch

import torch

from bardtune.data.corpus import BUILT_IN, load_corpus
from bardtune.model.counting.experts import CountExperts
from bardtune.model.machine import keep_freed_memory
from bardtune.model.presets import preset
from bardtune.model.training.budget import step_budget
from bardtune.model.training.trainer import TrainingRun


@contextmanager
def without_loops() -> Iterator[None]:
    """Do everything with the operations that the loops replace."""
    with ExitStack() as stack:
        for module in ("counts", "experts"):
            stack.enter_context(patch(f"bardtune.model.counting.{module}.compiled", lambda loop: None))
        yield


def compare(what: str, work: Callable[[], object], *, pairs: int) -> None:
    """Do the work without and with loops, by turns, and print the median of each and the ratio."""
    measured = []
    for _ in range(pairs + 1):
        seconds = []
        for how in (without_loops, nullcontext):
            with how():
                began = time.perf_counter()
                work()
                seconds.append(time.perf_counter() - began)
        measured.append(seconds)
    measured = measured[1:]  # the first pays for first-time costs
    operations, loops = (statistics.median(each) for each in zip(*measured, strict=True))
    ratios = sorted(without / with_ for without, with_ in measured)
    print(
        f"{what:14} operations {operations * 1e3:9.2f} ms, loops {loops * 1e3:9.2f} ms, ratio "
        f"{statistics.median(ratios):.3f} (median; {ratios[0]:.3f} to {ratios[-1]:.3f}; n={pairs} pairs)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10, help="of steps")
    parser.add_argument("--steps", type=int, default=10, help="of each kind in a pair")
    parser.add_argument("--counting-pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--corpus", default=BUILT_IN, help="shakespeare, or a file or folder of text")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    corpus = load_corpus(args.corpus)
    settings = preset("modern", budget_s=180.0, seed=0)  # a short budget would count a part of the text
    print(f"modern preset, {args.threads} threads, torch {torch.__version__}")
    if args.counting_pairs:
        experts = CountExperts(settings)
        compare("counting", lambda: experts.learn(corpus.train), pairs=args.counting_pairs)
        del experts
    num_steps = 2 * args.steps * (args.pairs + 1)
    run = TrainingRun(settings, corpus, budget=step_budget(num_steps=num_steps))
    compare(f"{args.steps} steps", lambda: [run._step() for _ in range(args.steps)], pairs=args.pairs)


if __name__ == "__main__":
    main()

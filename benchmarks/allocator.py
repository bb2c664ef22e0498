"""How much faster does the modern preset train when freed memory is kept? Fresh processes, by turns."""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def train_here(seconds: float, *, keep: bool) -> tuple[float, float]:
    """Train in this process on the built-in corpus; return steps per second, and CPU seconds per second."""
    import torch

    from bardtune.data.corpus import load_corpus
    from bardtune.model.machine import keep_freed_memory
    from bardtune.model.presets import preset
    from bardtune.model.training.trainer import StepAction, TrainingRun

    if keep:
        keep_freed_memory()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

    def stop_in_time(step: int, spent_s: float) -> StepAction:
        return StepAction.STOP if spent_s - run.build_s >= seconds else StepAction.GO_ON

    # A budget that is long enough to count all of the text, and to stop before the first evaluation.
    budget_s = 600.0 + 10 * seconds
    run = TrainingRun(preset("modern", budget_s=budget_s, seed=0), load_corpus(), on_step=stop_in_time)
    counting_cpu_s = run.clock.cpu_train_s
    for _ in run.events():
        pass
    steps_s = run.clock.spent_s - run.build_s
    return run.steps / steps_s, (run.clock.cpu_train_s - counting_cpu_s) / steps_s


def train_in_a_fresh_process(seconds: float, threads: int, *, keep: bool) -> tuple[float, float]:
    command = [sys.executable, __file__, "--seconds", str(seconds), "--child", "keep" if keep else "return"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    rate, cpu_ratio = map(float, done.stdout.split())
    return rate, cpu_ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=6.0, help="of steps in each process, after counting the text")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--child", choices=["keep", "return"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(*train_here(args.seconds, keep=args.child == "keep"))
        return
    ratios = []
    for pair in range(args.pairs):
        # Each second pair begins with the other one, so that a machine that warms up favours neither.
        measured = {
            keep: train_in_a_fresh_process(args.seconds, args.threads, keep=keep)
            for keep in (pair % 2 == 0, pair % 2 == 1)
        }
        (kept, kept_cpu), (returned, returned_cpu) = measured[True], measured[False]
        ratios.append(kept / returned)
        starved = min(kept_cpu, returned_cpu) < 0.9 * args.threads
        print(
            f"pair {pair}: kept {kept:.2f} steps/s, returned {returned:.2f}, ratio {ratios[-1]:.3f}"
            + ("; starved: something else runs on this machine" if starved else "")
        )
    print(
        f"ratio {statistics.median(ratios):.3f} (median; {min(ratios):.3f} to {max(ratios):.3f}), "
        f"n={args.pairs} pairs of {args.seconds:g} s, {args.threads} threads"
    )


if __name__ == "__main__":
    main()

"""How many times as many bytes a second do the training steps of B read as those of A? One process, by turns.

Turns of half a second, so that a machine that is slow for a while is slow for both. ``compare`` measures whole runs.
"""

import statistics
import sys
from collections.abc import Iterator, Sequence

import torch

from bardtune.data.corpus import BUILT_IN, CONTEXT_BYTES, load_corpus
from bardtune.data.errors import UserError
from bardtune.model.machine import keep_freed_memory
from bardtune.model.training.budget import step_budget
from bardtune.model.training.trainer import TrainingRun
from bardtune.search.commands.train import check_threads
from benchmarks.pairs import paired_ratios, spread, turns
from benchmarks.parsing import OneSentenceParser, parse_candidate
from benchmarks.profile_step import WARM_UP_STEPS, make_steps


def step_lines(argv: Sequence[str] | None) -> Iterator[str]:
    parser = OneSentenceParser(prog="python -m benchmarks.steps", description=__doc__)
    what = "a preset, PRESET:name=value,name=value, or a .toml or .json file of settings"
    parser.add_argument("a", metavar="A", help=what)
    parser.add_argument("b", metavar="B", help=what)
    parser.add_argument("--pairs", type=int, default=30, help="of turns [default: 30]")
    parser.add_argument("--steps", type=int, default=10, help="of a turn [default: 10]")
    parser.add_argument("--threads", type=int, help="[default: all cores]")
    parser.add_argument("--corpus", default=BUILT_IN, help="shakespeare, or a file or folder of text")
    args = parser.parse_args(argv)
    if args.pairs < 1 or args.steps < 1:
        raise UserError(f"{args.pairs} pairs of {args.steps} steps measure nothing; give 1 or more of each.")
    candidates = {"A": parse_candidate(args.a), "B": parse_candidate(args.b)}
    corpus, threads = load_corpus(args.corpus), check_threads(args.threads)
    torch.set_num_threads(threads)
    keep_freed_memory()
    runs = {}
    for side, candidate in candidates.items():
        # Less than a tenth of the run is made, so that nothing is evaluated.
        budget = step_budget(num_steps=11 * (WARM_UP_STEPS + args.pairs * args.steps))
        runs[side] = TrainingRun(candidate.settings(budget_s=180.0, seed=0), corpus, budget=budget)
        make_steps(runs[side], WARM_UP_STEPS)
    seconds: dict[str, list[float]] = {"A": [], "B": []}
    for _, side in turns(args.pairs):
        seconds[side].append(make_steps(runs[side], args.steps))
    yield f"{args.pairs} pairs of {args.steps} steps by turns, {threads} threads, torch {torch.__version__}"
    rates = {}
    for side, run in runs.items():
        bytes_read = args.steps * run.settings.windows_per_step * CONTEXT_BYTES
        rates[side] = [bytes_read / each for each in seconds[side]]
        step_ms = 1e3 * statistics.median(seconds[side]) / args.steps
        yield f"{side} = {candidates[side].name}"
        yield f"{side} {step_ms:9.2f} ms a step, {statistics.median(rates[side]):9,.0f} bytes/s (medians)"
    yield f"B/A bytes/s  {spread(paired_ratios(rates['A'], rates['B']))}"


def main(argv: Sequence[str] | None = None) -> int:
    try:
        for line in step_lines(argv):
            print(line, flush=True)
    except UserError as problem:
        print(f"steps: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

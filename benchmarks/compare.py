"""Which of two settings trains better, and which faster? Fresh processes, by turns, the same seed for both of a pair.

Each run is one ``bardtune train``; what is measured is what the user gets.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bardtune.data.corpus import BUILT_IN, load_corpus
from bardtune.data.errors import UserError
from bardtune.model.training.budget import step_budget
from bardtune.search.commands.train import DEFAULT_SECONDS, check_threads, writable_file, write_record
from benchmarks.pairs import Spread, paired_ratios, spread, turns
from benchmarks.parsing import OF_THE_RUN, Candidate, OneSentenceParser, parse_candidate

ROOT = Path(__file__).parent.parent
STARVED_CPU_SHARE = 0.8  # of the threads; counting, a third of a short budget, does not keep them all busy
# What is told of a run: its heading, and how it is written.
COLUMNS = {
    "val_bpb": ("val_bpb", ".4f"),
    "bytes_per_s": ("bytes/s", ",.0f"),
    "total_steps": ("steps", ",.0f"),
    "cpu_ratio": ("CPU/wall", ".2f"),
    "peak_memory_mb": ("peak MB", ",.0f"),
    "build_s": ("build s", ".2f"),
    "setup_s": ("setup s", ".2f"),
}
COMPARED = ("val_bpb", "bytes_per_s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What was asked."""

    candidates: dict[str, Candidate]  # by side, A and B
    num_pairs: int
    seconds: float
    num_steps: int | None  # instead of seconds
    threads: int
    corpus: str
    json_file: Path | None

    @property
    def length(self) -> str:
        return f"{self.seconds:g} s" if self.num_steps is None else f"{self.num_steps:,} steps"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One finished run."""

    side: str
    seed: int
    measured: dict[str, float | None]  # by the names of COLUMNS; a bpb of None has diverged
    seconds: dict[str, float]  # by phase


Train = Callable[[Plan, str, int], dict[str, Any]]  # plan, side, seed -> the result line of ``bardtune train``


def read_plan(argv: Sequence[str] | None) -> Plan:
    """Understand the command line, all of it, before anything is trained."""
    parser = OneSentenceParser(prog="python -m benchmarks.compare", description=__doc__)
    what = "a preset, PRESET:name=value,name=value, or a .toml or .json file of settings"
    parser.add_argument("a", metavar="A", help=what)
    parser.add_argument("b", metavar="B", help=what)
    parser.add_argument("--runs", type=int, default=3, help="of each; the seeds are 0, 1, ... [default: 3]")
    parser.add_argument("--seconds", type=float, help=f"the budget of a run [default: {DEFAULT_SECONDS:g}]")
    parser.add_argument("--steps", type=int, help="this many updates for a budget instead of seconds")
    parser.add_argument("--threads", type=int, help="of a run [default: all cores]")
    parser.add_argument("--corpus", default=BUILT_IN, help="shakespeare, or a file or folder of text")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the runs and the summary there too")
    args = parser.parse_args(argv)
    if args.runs < 1:
        raise UserError(f"--runs {args.runs} compares nothing; give 1 or more.")
    if args.steps is not None and args.seconds is not None:
        raise UserError("--steps and --seconds both say how long a run is; give one of them.")
    step_budget(num_steps=args.steps)
    plan = Plan(
        candidates={"A": parse_candidate(args.a), "B": parse_candidate(args.b)},
        num_pairs=args.runs,
        seconds=DEFAULT_SECONDS if args.seconds is None else args.seconds,
        num_steps=args.steps,
        threads=check_threads(args.threads),
        corpus=load_corpus(args.corpus).name,
        json_file=writable_file(args.json, "--json"),
    )
    for candidate in plan.candidates.values():
        candidate.settings(budget_s=plan.seconds, seed=0)
    return plan


def train_in_a_fresh_process(plan: Plan, side: str, seed: int) -> dict[str, Any]:
    """Run ``bardtune train``, every setting spelled out; returns its result line.

    Raises:
        UserError: the sentence that the command says of what the user can put right.
    """
    settings = plan.candidates[side].settings(budget_s=plan.seconds, seed=seed).as_dict()
    length = ["--seconds", str(plan.seconds)] if plan.num_steps is None else ["--steps", str(plan.num_steps)]
    command = [sys.executable, "-m", "bardtune", "train", "--json", *length, "--seed", str(seed)]
    command += ["--threads", str(plan.threads), "--corpus", plan.corpus]
    for name in settings.keys() - OF_THE_RUN:
        command += ["--set", f"{name}={json.dumps(settings[name])}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 2:
        raise UserError(done.stderr.strip().removeprefix("bardtune: "))
    if not done.stdout.strip():
        raise RuntimeError(f"the run of {side} with seed {seed} has crashed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def run_of(result: dict[str, Any], *, side: str, seed: int) -> Run:
    seconds = result["seconds"]
    peak_mb, setup_s = result["peak_memory_bytes"] / 2**20, seconds["setup"]
    measured = {**result, "peak_memory_mb": peak_mb, "setup_s": setup_s}
    return Run(side=side, seed=seed, measured={name: measured[name] for name in COLUMNS}, seconds=seconds)


def runs_of(plan: Plan, train: Train = train_in_a_fresh_process) -> Iterator[Run]:
    """Train by turns."""
    for seed, side in turns(plan.num_pairs):
        yield run_of(train(plan, side, seed), side=side, seed=seed)


def summarize(runs: Sequence[Run]) -> dict[str, dict[str, Spread | None]]:
    """The measures of each side in short, and the ratios of whole pairs under ``B/A``."""
    sides = {side: {run.seed: run.measured for run in runs if run.side == side} for side in "AB"}
    summary = {
        side: {
            name: spread([value for run in sides[side].values() if (value := run[name]) is not None])
            for name in COLUMNS
        }
        for side in "AB"
    }
    whole = sorted(sides["A"].keys() & sides["B"].keys())

    def ratios(name: str) -> list[float]:
        return paired_ratios(*([sides[side][seed][name] for seed in whole] for side in "AB"))

    return {**summary, "B/A": {name: spread(ratios(name)) for name in COMPARED}}


def row(label: str, cells: Iterable[str]) -> str:
    return f"{label:<12}" + "".join(f"{cell:>12}" for cell in cells)


def cells_of(measured: dict[str, float | None]) -> Iterator[str]:
    for name, (_, written) in COLUMNS.items():
        value = measured[name]
        yield "-" if value is None else format(value, written)


def run_line(run: Run, threads: int) -> str:
    notes = ""
    if run.measured["val_bpb"] is None:
        notes += "  diverged"
    if (run.measured["cpu_ratio"] or 0.0) < STARVED_CPU_SHARE * threads:
        notes += "  starved: something else runs on this machine"
    return row(f"{run.side} seed {run.seed}", cells_of(run.measured)) + notes


def summary_lines(runs: Sequence[Run]) -> Iterator[str]:
    summary = summarize(runs)
    for side in "AB":
        told = summary[side]
        yield row(f"{side} mean", cells_of({name: short.mean if short else None for name, short in told.items()}))
        yield row(f"{side} sd", cells_of({name: short.sd if short else None for name, short in told.items()}))
    for name in COMPARED:
        yield f"B/A {COLUMNS[name][0]:<8} {summary['B/A'][name] or 'no pair to compare'}"


def as_json(plan: Plan, runs: Sequence[Run]) -> dict[str, Any]:
    summary = summarize(runs)
    return {
        "candidates": {
            side: {"name": candidate.name, "settings": dict(candidate.values)}
            for side, candidate in plan.candidates.items()
        },
        "seconds": plan.seconds if plan.num_steps is None else None,
        "steps": plan.num_steps,
        "threads": plan.threads,
        "corpus": plan.corpus,
        "runs": [asdict(run) for run in runs],
        "summary": {
            side: {name: asdict(short) if short else None for name, short in told.items()}
            for side, told in summary.items()
        },
    }


def compare(plan: Plan, train: Train = train_in_a_fresh_process) -> list[Run]:
    """Train and tell; Ctrl-C ends it with a summary of what is there."""
    for side, candidate in plan.candidates.items():
        print(f"{side} = {candidate.name}")
    print(f"{plan.num_pairs} runs of {plan.length} each, {plan.threads} threads, corpus {plan.corpus}")
    print(row("", (heading for heading, _ in COLUMNS.values())), flush=True)
    runs: list[Run] = []
    try:
        for run in runs_of(plan, train):
            runs.append(run)
            print(run_line(run, plan.threads), flush=True)
    except KeyboardInterrupt:
        print("interrupted")
    for line in summary_lines(runs):
        print(line)
    return runs


def main(argv: Sequence[str] | None = None) -> int:
    try:
        plan = read_plan(argv)
        runs = compare(plan)
    except UserError as problem:
        print(f"compare: {problem}", file=sys.stderr)
        return 2
    if plan.json_file is not None:
        write_record(plan.json_file, as_json(plan, runs))
    return 0 if len(runs) == 2 * plan.num_pairs else 130


if __name__ == "__main__":
    sys.exit(main())

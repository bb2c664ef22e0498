"""Which way to search finds the best settings with the same number of runs? Whole studies, simulated over worlds.

    python -m benchmarks.search FOLDER ... --arms default,tpe+median,gp+none --studies 100 --json FILE

A world is a folder with space.toml and runs.jsonl.gz. The arms of a comparison have the same seeds, and a run of equal
number and settings the same luck. Stopped, it goes on when it is called again with the same --json FILE.
"""

import argparse
import hashlib
import itertools
import json
import pickle
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from bardtune.data.errors import UserError
from bardtune.data.host import available_cores
from bardtune.data.paths import user_path
from bardtune.search.commands.train import writable_file, write_record
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.arms import DEFAULT, parse_arm
from benchmarks.search.summary import summarize, table_lines
from benchmarks.search.world import read_world

SAVE_EVERY = 20  # studies


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One study to simulate."""

    folder: str
    family: str
    arm: str
    seed: int
    trials: int
    workers: int
    known: bool
    displaced: float

    @property
    def key(self) -> str:
        return json.dumps([Path(self.folder).name, *astuple(self)[1:]])


_truths: dict[tuple[str, str], Any] = {}  # of this process, by folder and family


def begin_process(truths: bytes = b"") -> None:
    """Each simulates on one core, and knows all surrogates of worlds."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)  # NumPy's and SciPy's libraries have begun with all cores
    if truths:
        _truths.update(pickle.loads(truths))


def make_truth(folder: str, family: str) -> tuple[Any, dict[str, Any]]:
    """A surrogate of a world, and what is said of it."""
    from benchmarks.search.truth import Truth

    truth = Truth(read_world(Path(folder)), family)
    return truth, {"world": truth.world.name, "family": family, "best_bpb": truth.best(), **asdict(truth.quality())}


def run_task(task: Task) -> dict[str, Any]:
    from benchmarks.search.simulator import simulate

    arm, truth = parse_arm(task.arm), _truths[task.folder, task.family]
    outcome = simulate(
        truth,
        arm,
        trials=task.trials,
        seed=task.seed,
        workers=task.workers,
        known=task.known,
        displaced=task.displaced,
    )
    return {
        "world": truth.world.name,
        "family": task.family,
        "arm": task.arm,
        "seed": task.seed,
        "trials": task.trials,
        "workers": task.workers,
        "known": task.known,
        "displaced": task.displaced,
        **asdict(outcome),
    }


def read_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = OneSentenceParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="a world")
    parser.add_argument("--arms", default=f"{DEFAULT},tpe+median,gp+none", help="with commas between them")
    parser.add_argument("--studies", type=int, default=100, help="of each arm in each world [default: 100]")
    parser.add_argument("--first-seed", type=int, default=0, help="of the studies [default: 0]")
    parser.add_argument("--trials", default="25,50", help="lengths of a study [default: 25,50]")
    parser.add_argument("--workers", type=int, default=1, help="runs at a time, in virtual time [default: 1]")
    parser.add_argument("--families", default="gp,trees", help="of surrogates [default: gp,trees]")
    parser.add_argument("--without-known", action="store_true", help="let the samplers draw the first trial too")
    parser.add_argument(
        "--displaced",
        type=float,
        default=0.0,
        metavar="SD",
        help="move the best known point so many standard deviations of its prior [default: 0]",
    )
    parser.add_argument("--processes", type=int, help="at a time [default: all cores]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all there too, and go on from what is there")
    return parser.parse_args(argv)


def tasks_of(args: argparse.Namespace) -> list[Task]:
    """All studies, the arms of a seed side by side; what cannot be is refused before anything is simulated."""
    arms = [parse_arm(text).name for text in args.arms.split(",")]
    families = args.families.split(",")
    if unknown := set(families) - {"gp", "trees"}:
        raise UserError(f"--families {', '.join(sorted(unknown))} is unknown; choose from gp,trees.")
    try:
        lengths = [int(text) for text in args.trials.split(",")]
    except ValueError as problem:
        raise UserError(f"--trials {args.trials!r} is not numbers; write such as 25,50.") from problem
    if args.studies < len(families) or min(lengths) < 4 or max(lengths) > 50:
        raise UserError(f"give at least {len(families)} --studies, of 4 to 50 --trials.")
    if not 0.0 <= args.displaced < 4.0:
        raise UserError("--displaced must be from 0 to below 4 standard deviations: 4 would lead back to where it was.")
    if args.workers < 1 or (args.processes is not None and args.processes < 1):
        raise UserError("--workers and --processes must be at least 1.")
    folders = [str(user_path(folder, "the world")) for folder in args.folders]
    names = [read_world(Path(folder)).name for folder in folders]
    if len(set(names)) < len(names):
        raise UserError(f"two worlds have the same name ({', '.join(names)}); rename a folder.")
    per_family = -(-args.studies // len(families))
    return [
        Task(
            folder=folder,
            family=family,
            arm=arm,
            seed=args.first_seed + seed,
            trials=trials,
            workers=args.workers,
            known=not args.without_known,
            displaced=args.displaced,
        )
        for seed, folder, family, trials, arm in itertools.product(range(per_family), folders, families, lengths, arms)
    ]


def run_all(
    tasks: Sequence[Task], done: dict[str, Any], truths: dict[tuple[str, str], Any], processes: int
) -> Iterator[dict[str, Any]]:
    """Simulate what is not done yet; yields in the order in which studies end."""
    left = [task for task in tasks if task.key not in done]
    with ProcessPoolExecutor(processes, initializer=begin_process, initargs=(pickle.dumps(truths),)) as pool:
        futures = {pool.submit(run_task, task): task for task in left}
        for future in as_completed(futures):
            yield {"key": futures[future].key, **future.result()}


def done_before(file: Path | None) -> dict[str, Any]:
    """Studies that stand in the file already, by key."""
    if file is None or not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        code, studies = found["code"], {study["key"]: study for study in found["studies"]}
    except (ValueError, KeyError, TypeError) as problem:
        raise UserError(
            f"--json {file} is there and is no comparison of this benchmark; name another file."
        ) from problem
    if code != code_version():
        raise UserError(f"--json {file} is of studies that other code has searched; name another file.")
    return studies


def code_version() -> str:
    """Changes with the code that searches."""
    root = Path(__file__).parents[2]
    files = sorted(path for folder in ("studies", "search") for path in (root / folder).rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]


def main(argv: Sequence[str] | None = None) -> int:
    try:
        args = read_args(argv)
        tasks, file = tasks_of(args), writable_file(args.json, "--json")
        done = done_before(file)
    except UserError as problem:
        print(f"search: {problem}", file=sys.stderr)
        return 2
    processes, code = args.processes or available_cores(), code_version()
    pairs = list(dict.fromkeys((task.folder, task.family) for task in tasks))
    with ProcessPoolExecutor(processes, initializer=begin_process) as pool:
        made = list(pool.map(make_truth, *zip(*pairs, strict=True)))
    by_pair = {pair: truth for pair, (truth, _) in zip(pairs, made, strict=True)}
    truths = [said for _, said in made]
    for truth in truths:
        print(
            f"{truth['world']}, {truth['family']}: of runs left out, Spearman {truth['spearman']:.3f} (best fifth "
            f"{truth['spearman_best']:.3f}), rmse {truth['rmse']:.4f}; noise sd {truth['noise_sd']:.4f} bpb "
            f"({truth['num_repeats']} degrees of freedom), best {truth['best_bpb']:.4f}",
            flush=True,
        )

    def result() -> dict[str, Any]:
        wanted = [done[task.key] for task in tasks if task.key in done]
        return {
            "code": code,
            "truths": truths,
            "summary": summarize(wanted, truths),
            "studies": list(done.values()),
        }

    try:
        for number, study in enumerate(run_all(tasks, done, by_pair, processes), start=1):
            done[study["key"]] = study
            if file is not None and number % SAVE_EVERY == 0:
                write_record(file, result())
    except KeyboardInterrupt:
        print("interrupted")
    found = result()
    for line in table_lines(found["summary"]):
        print(line)
    if file is not None:
        write_record(file, found)
    return 0 if all(task.key in done for task in tasks) else 130


if __name__ == "__main__":
    sys.exit(main())

"""Records a world: real runs of the trainer over a search space, none of them pruned.

    python -m benchmarks.search.record FOLDER --space seven --seconds 60 --runs 120

Stopped by Ctrl-C or killed, it goes on where it was when it is called again with the same folder. Let nothing else run
meanwhile.
"""

import gzip
import json
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from bardtune.data.corpus import BUILT_IN, load_corpus
from bardtune.data.errors import UserError
from bardtune.data.files import write_whole
from bardtune.data.host import cpu_kind
from bardtune.data.paths import short_name, user_path
from bardtune.model import TRAINER_VERSION
from bardtune.model.settings import settings_from
from bardtune.search.launch.local import LocalLauncher
from bardtune.search.launch.protocol import Ended, Launcher, Measured, RunOrder
from bardtune.search.sampling.seeds import derive_seed
from bardtune.search.sampling.space import SearchSpace
from bardtune.search.sampling.space_file import load_space
from bardtune.search.sampling.spaces.registry import space_names, space_text
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.design import Point, point

LIMIT_SHARE = 10.0  # of its budget; after that a run hangs
TICK_S = 1.0
LIBRARIES = ("torch", "numpy")
RUNS = "runs.jsonl.gz"  # of a world that is complete


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordPlan:
    """What is to be recorded, as it is kept beside the runs."""

    space: str
    corpus: str
    seconds: float
    runs: int
    workers: int
    threads: int
    seed: int


class Recorder:
    """Runs a design to its end, and writes a line for each run that has ended."""

    def __init__(
        self,
        folder: Path,
        plan: RecordPlan,
        space: SearchSpace,
        *,
        make_launcher: Callable[..., Launcher] = LocalLauncher,
    ) -> None:
        self.folder, self.plan, self.space, self.make_launcher = folder, plan, space, make_launcher
        self.corpus = load_corpus(plan.corpus)
        self.draft = folder / "runs.jsonl"
        self.lines = read_draft(self.draft)
        self.curves: dict[int, list[list[float]]] = {}
        self.points: dict[int, Point] = {}

    def record(self) -> None:
        """Make the runs that are not there yet."""
        there = {line["trial"] for line in self.lines}
        waiting = [number for number in range(self.plan.runs) if number not in there]
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            logs = [scratch / f"worker-{worker}.log" for worker in range(self.plan.workers)]
            launcher = self.make_launcher(workers=self.plan.workers, threads=self.plan.threads, logs=logs)
            with closing(launcher), self.draft.open("a", encoding="utf-8") as file:
                while waiting or self.points:
                    while waiting and len(self.points) < launcher.capacity:
                        launcher.start(self.order(waiting.pop(0), scratch))
                    for event in launcher.events(TICK_S):
                        if isinstance(event, Measured) and math.isfinite(event.val_bpb):
                            self.curves[int(event.run_id)].append([event.percent, round(event.val_bpb, 6)])
                        elif isinstance(event, Ended):
                            self.note(self.line(event), file)
                            for left in scratch.glob(f"{event.run_id}.*"):  # checkpoint and weights
                                left.unlink()

    def note(self, line: dict[str, Any], file: TextIO) -> None:
        """Write a run that has ended where a kill cannot reach it any more, and tell it."""
        print(json.dumps(line), file=file, flush=True)
        self.lines.append(line)
        print(
            f"{len(self.lines)} of {self.plan.runs}: run {line['trial']}, {line['part']}, {line['ending']}, "
            f"{line['val_bpb']} bpb, {line['steps']} steps",
            flush=True,
        )

    def order(self, number: int, scratch: Path) -> RunOrder:
        ended = [{"params": params_of(line), "val_bpb": line["val_bpb"]} for line in self.lines]
        self.points[number] = point(self.space, number, num_runs=self.plan.runs, seed=self.plan.seed, ended=ended)
        self.curves[number] = []
        seed = derive_seed(self.plan.seed, "record", number)
        values = {**self.space.fixed, **self.points[number].params, "budget_s": self.plan.seconds, "seed": seed}
        return RunOrder(
            run_id=str(number),
            settings=settings_from(values).as_dict(),
            corpus=self.plan.corpus,
            corpus_sha256=self.corpus.sha256,
            checkpoint=scratch / f"{number}.checkpoint",
            weights=scratch / f"{number}.weights",
            limit_s=LIMIT_SHARE * self.plan.seconds + 300.0,
        )

    def line(self, ended: Ended) -> dict[str, Any]:
        number = int(ended.run_id)
        done, stats = self.points.pop(number), ended.stats
        return {
            "trial": number,
            "part": done.part,
            **{f"params.{name}": value for name, value in done.params.items()},
            "ending": ended.ending,
            "reason": ended.reason,
            "val_bpb": None if ended.val_bpb is None else round(ended.val_bpb, 6),
            "curve": self.curves.pop(number),
            "settings.seed": derive_seed(self.plan.seed, "record", number),
            "seconds_budget": self.plan.seconds,
            "steps": stats.get("steps"),
            "train_s": stats.get("seconds", {}).get("train"),
            "evaluate_s": stats.get("seconds", {}).get("evaluate"),
            "starved": stats.get("starved"),
            "cpu": stats.get("cpu"),
            "threads": stats.get("threads"),
            "corpus_sha256": self.corpus.sha256,
        }


def params_of(line: dict[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("params."): value for key, value in line.items() if key.startswith("params.")}


def read_draft(path: Path) -> list[dict[str, Any]]:
    """Lines that were written whole; what a kill has torn is cut off."""
    if not path.exists():
        return []
    whole, newline, torn = path.read_text(encoding="utf-8").rpartition("\n")
    if torn:
        write_whole(path, (whole + newline).encode())
    return [json.loads(line) for line in whole.splitlines()]


def finish(folder: Path, lines: list[dict[str, Any]]) -> None:
    """Write the runs in the order of their numbers, compressed, in place of the draft."""
    text = "".join(json.dumps(line) + "\n" for line in sorted(lines, key=lambda line: line["trial"]))
    write_whole(folder / RUNS, gzip.compress(text.encode(), mtime=0))
    (folder / "runs.jsonl").unlink(missing_ok=True)


def read_plan(argv: Sequence[str] | None) -> tuple[Path, RecordPlan]:
    """Understand the command line; a folder that was begun knows its own plan."""
    parser = OneSentenceParser(prog="python -m benchmarks.search.record", description=__doc__)
    parser.add_argument("folder", help="of the world; what is there goes on")
    parser.add_argument("--space", default="seven", help="a built-in name or a TOML file [default: seven]")
    parser.add_argument("--corpus", default=BUILT_IN, help="shakespeare, or a file or folder of text")
    parser.add_argument("--seconds", type=float, default=60.0, help="the budget of a run [default: 60]")
    parser.add_argument("--runs", type=int, default=120, help="of the whole world [default: 120]")
    parser.add_argument("--workers", type=int, default=1, help="runs at a time [default: 1]")
    parser.add_argument("--threads", type=int, default=2, help="of each run [default: 2]")
    parser.add_argument("--seed", type=int, default=0, help="of the design and the runs [default: 0]")
    given = vars(parser.parse_args(argv))
    folder = user_path(given.pop("folder"), "the world's folder")
    begun = folder / "world.json"
    if begun.exists():
        kept = json.loads(begun.read_text(encoding="utf-8"))
        if kept["cpu"] != cpu_kind():
            raise UserError(
                f"{folder} was begun on {kept['cpu']} and this is {cpu_kind()}: their runs do not compare; "
                "record into a new folder."
            )
        plan = RecordPlan(**{name: kept["plan"][name] for name in given})
        if not (folder / RUNS).exists() and load_corpus(plan.corpus).sha256 != kept["corpus"]["sha256"]:
            raise UserError(f"{folder} was begun on another text than {plan.corpus} holds now; put that back.")
        return folder, plan
    return folder, RecordPlan(**given)


def begin(folder: Path, plan: RecordPlan) -> SearchSpace:
    """Lay the world's folder out, or read what lies there; its space is what it was when it was begun."""
    space_file = folder / "space.toml"
    if space_file.exists():
        return load_space(str(space_file))
    space = load_space(plan.space)
    corpus = load_corpus(plan.corpus)
    text = (
        space_text(plan.space)
        if plan.space in space_names()
        else user_path(plan.space, "the space").read_text(encoding="utf-8")
    )
    about = {
        "plan": asdict(plan),
        "corpus": {"name": short_name(corpus.name), "bytes": corpus.num_bytes, "sha256": corpus.sha256},
        "cpu": cpu_kind(),
        "trainer_version": TRAINER_VERSION,
        **{library: version(library) for library in LIBRARIES},
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "world.json", (json.dumps(about, indent=2) + "\n").encode())
    write_whole(space_file, text.encode())
    return space


def main(argv: Sequence[str] | None = None) -> int:
    try:
        folder, plan = read_plan(argv)
        if (folder / RUNS).exists():
            print(f"{folder} is complete: nothing is left to record")
            return 0
        recorder = Recorder(folder, plan, begin(folder, plan))
    except UserError as problem:
        print(f"record: {problem}", file=sys.stderr)
        return 2
    try:
        recorder.record()
    except KeyboardInterrupt:
        print(f"interrupted; go on with: python -m benchmarks.search.record {folder}")
        return 130
    finish(folder, recorder.lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Benchmarks that go on where they were: a run is made once, is a line of a file, and is not made again."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bardtune.data.errors import UserError
from bardtune.data.host import available_cores
from bardtune.data.paths import short_name
from benchmarks.compare import Plan, train_in_a_fresh_process
from benchmarks.pairs import Spread, spread
from benchmarks.parsing import Candidate

Train = Callable[[Plan, str, int], dict[str, Any]]
NOT_SETTINGS = ("budget_s", "seed")


class KeptRuns:
    """Runs of settings, in fresh processes, of which each is made once.

    Args:
        file: JSON lines; made where there is none.
        corpus: what to train on.
        train: how a run is made.

    Raises:
        UserError: the file holds something else.
    """

    def __init__(self, file: Path, corpus: str, train: Train = train_in_a_fresh_process) -> None:
        self.file, self.corpus, self.train = file, corpus, train
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in lines]
        if any(line.get("corpus") != corpus for line in self.lines):
            raise UserError(f"{file} is of runs on another text, or of another benchmark; name another folder.")

    def run(self, name: str, settings: Mapping[str, Any], *, seconds: float, seed: int, **facts: Any) -> None:
        """Make a run, and say what it has reached, unless there is one of this name, budget and seed.

        Args:
            name: of the settings.
            settings: all of them; budget and seed among them are not heeded.
            seconds: the budget.
            facts: what else its line is to say.
        """
        if any((line["name"], line["seconds"], line["seed"]) == (name, seconds, seed) for line in self.lines):
            return
        values = {setting: value for setting, value in settings.items() if setting not in NOT_SETTINGS}
        plan = Plan(
            candidates={"A": Candidate(name=name, values=values)},
            num_pairs=1,
            seconds=seconds,
            num_steps=None,
            threads=available_cores(),
            corpus=self.corpus,
            json_file=None,
        )
        result = self.train(plan, "A", seed)
        line = {
            "name": name, "corpus": self.corpus, "seconds": seconds, "seed": seed, "val_bpb": result["val_bpb"],
            "total_steps": result["total_steps"], "cpu_ratio": result["cpu_ratio"], **facts,
        }  # fmt: skip
        self.lines.append(line)
        with self.file.open("a", encoding="utf-8") as file:
            print(json.dumps(line), file=file)
        reached = "diverged" if line["val_bpb"] is None else f"{line['val_bpb']:.4f} bpb"
        what = f"{short_name(self.corpus)}, {seconds:g} s, {name}"
        print(f"{what}: {reached}, {line['total_steps']:,} steps, CPU/wall {line['cpu_ratio']:.2f}", flush=True)

    def by_seed(self, name: str, seconds: float) -> dict[int, float | None]:
        """What the runs of a name and budget have reached; None for one that diverged."""
        made = [line for line in self.lines if (line["name"], line["seconds"]) == (name, seconds)]
        return {line["seed"]: line["val_bpb"] for line in made}

    def spread(self, name: str, seconds: float) -> Spread | None:
        """The same in short; None if there are none."""
        return spread(list(self.by_seed(name, seconds).values()))


def carry_out(program: str, work: Callable[[], Iterable[str]]) -> int:
    """Do what a benchmark is called for and print what it has to say; returns the exit code.

    Args:
        program: its name.
        work: makes what is not there yet; returns lines.
    """
    try:
        lines = list(work())
    except UserError as problem:
        print(f"{program}: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; call it again to go on")
        return 130
    print("\n".join(lines))
    return 0

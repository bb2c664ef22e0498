"""Which way to search finds better settings? Whole real studies by turns, and what they recommend run again.

    python -m benchmarks.search.real FOLDER --space reference --trials 30 --seconds 20 --studies 3

FOLDER keeps studies and fresh runs; stopped, it goes on when it is called again. Let nothing else run meanwhile.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

import bardtune
from bardtune.data.corpus import BUILT_IN, load_corpus
from bardtune.data.paths import user_path
from bardtune.search.sampling.seeds import derive_seed
from benchmarks.compare import train_in_a_fresh_process
from benchmarks.kept import KeptRuns, Train, carry_out
from benchmarks.pairs import spread
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.arms import DEFAULT, TODAY, parse_arm

FIRST_FRESH_SEED = 1_000_000


def read_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = OneSentenceParser(prog="python -m benchmarks.search.real", description=__doc__)
    parser.add_argument("folder", help="where studies and fresh runs are kept")
    parser.add_argument("--arms", default=f"{DEFAULT},{TODAY}", help=f"[default: {DEFAULT},{TODAY}]")
    parser.add_argument("--space", default="reference", help="a built-in name or a TOML file [default: reference]")
    parser.add_argument("--corpus", default=BUILT_IN, help="shakespeare, or a file or folder of text")
    parser.add_argument("--trials", type=int, default=30, help="of a study [default: 30]")
    parser.add_argument("--seconds", type=float, default=20.0, help="the budget of a run [default: 20]")
    parser.add_argument("--studies", type=int, default=3, help="of each arm [default: 3]")
    parser.add_argument("--fresh", type=int, default=5, help="seeds to run what is recommended with [default: 5]")
    args = parser.parse_args(argv)
    args.arms = [parse_arm(text) for text in args.arms.split(",")]
    args.corpus = load_corpus(args.corpus).name
    args.folder = user_path(args.folder, "the folder")
    return args


def study_name(arm: str, seed: int) -> str:
    return f"{arm.replace('+', '-')}-{seed}"


class Comparison:
    """Real studies of several arms, and fresh runs of what they recommend.

    Args:
        args: what was asked.
        train: how a fresh run is made.
    """

    def __init__(self, args: argparse.Namespace, train: Train = train_in_a_fresh_process) -> None:
        self.args = args
        args.folder.mkdir(parents=True, exist_ok=True)
        self.storage = f"sqlite:///{args.folder / 'studies.db'}"
        self.fresh = KeptRuns(args.folder / "fresh.jsonl", args.corpus, train)

    def run(self) -> None:
        """All studies, each second turn in the other order; after each the fresh runs of its winner."""
        for seed in range(self.args.studies):
            for arm in self.args.arms if seed % 2 == 0 else reversed(self.args.arms):
                self.freshly(self.study(arm, seed), arm.name, seed)

    def study(self, arm: Any, seed: int) -> bardtune.Study:
        name = study_name(arm.name, seed)
        with arm.changes():
            if (self.args.folder / "studies.db").exists() and name in self.names():
                study = bardtune.resume_study(name, storage=self.storage, progress=False)
            else:
                study = bardtune.start_study(
                    name,
                    trials=self.args.trials,
                    seconds=self.args.seconds,
                    space=self.args.space,
                    corpus=self.args.corpus,
                    seed=seed,
                    storage=self.storage,
                    progress=False,
                    **arm.plan,
                )
        if study.state != "finished":
            raise KeyboardInterrupt
        return study

    def names(self) -> set[str]:
        return {study.name for study in bardtune.list_studies(storage=self.storage)}

    def freshly(self, study: bardtune.Study, arm: str, seed: int) -> None:
        """Run what a study recommends with the same fresh seeds for every arm of its turn."""
        winner = study.winner
        assert winner is not None
        facts = {
            "arm": arm, "study_seed": seed, "said_bpb": winner.bpb, "params": winner.params,
            "pruned": study.record.counts()["pruned"], "minutes": study.record.seconds_used / 60,
        }  # fmt: skip
        for number in range(self.args.fresh):
            fresh_seed = derive_seed(FIRST_FRESH_SEED + seed, "fresh", number)
            self.fresh.run(study.name, winner.settings, seconds=self.args.seconds, seed=fresh_seed, **facts)

    def lines(self) -> list[str]:
        """Each arm's mean over its studies, and differences to the first arm, study by study."""
        means = {
            (arm.name, seed): found.mean
            for arm in self.args.arms
            for seed in range(self.args.studies)
            if (found := self.fresh.spread(study_name(arm.name, seed), self.args.seconds))
        }
        said = []
        first = self.args.arms[0].name
        for arm in self.args.arms:
            own = {seed: mean for (name, seed), mean in means.items() if name == arm.name}
            said.append(f"{arm.name}: {spread(list(own.values()))}")
            if arm.name != first:
                differences = [mean - means[first, seed] for seed, mean in own.items() if (first, seed) in means]
                said.append(f"{arm.name} less {first}: {spread(differences)}")
        return said


def compared(argv: Sequence[str] | None) -> list[str]:
    """Make what is not there yet, and say what came of it."""
    comparison = Comparison(read_args(argv))
    os.environ.setdefault("BARDTUNE_HOME", str(comparison.args.folder / "home"))
    comparison.run()
    return comparison.lines()


def main(argv: Sequence[str] | None = None) -> int:
    return carry_out("real", lambda: compared(argv))


if __name__ == "__main__":
    sys.exit(main())

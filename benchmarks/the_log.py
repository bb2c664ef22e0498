"""A published manual search against bardtune over the space that it moved in, with as many runs.

    python -m benchmarks.the_log FOLDER

The runs of docs/the-log/runs.toml are made again here, in their order, all with one seed; then studies of as many runs
over docs/the-log/space.toml, which begin where the manual search began. What the log found best and what each study
recommends is run again with the same fresh seeds, and once more with a longer budget. FOLDER keeps all of it: stopped,
it goes on when it is called again. Let nothing else run meanwhile. `--picture FILE` draws what is there.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import bardtune
from bardtune.data.corpus import BUILT_IN, load_corpus
from bardtune.data.paths import user_path
from bardtune.model.presets import PRESETS
from bardtune.search.sampling.seeds import derive_seed
from bardtune.studies.records import StudyRecord
from benchmarks.compare import ROOT, train_in_a_fresh_process
from benchmarks.kept import KeptRuns, Train, carry_out
from benchmarks.pairs import paired_differences, spread
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.arms import DEFAULT, parse_arm
from benchmarks.search.real import FIRST_FRESH_SEED, Comparison, study_name

RUNS = ROOT / "docs" / "the-log" / "runs.toml"
SPACE = ROOT / "docs" / "the-log" / "space.toml"
SEED = 42  # of all runs of the log, as it was there
LOG = "the log"


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRun:
    """One run of the published search."""

    name: str
    published_bpb: float
    settings: dict[str, Any]


def published_runs(file: Path = RUNS) -> list[LogRun]:
    source = tomllib.loads(file.read_text(encoding="utf-8"))
    first = dict(source["first"])
    base = {**PRESETS[first.pop("preset")], **first}
    return [
        LogRun(name=run["name"], published_bpb=run["published_bpb"], settings={**base, **run["changes"]})
        for run in source["runs"]
    ]


def read_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = OneSentenceParser(prog="python -m benchmarks.the_log", description=__doc__)
    parser.add_argument("folder", help="where runs and studies are kept")
    parser.add_argument("--corpus", default=BUILT_IN, help="shakespeare, or a file or folder of text")
    parser.add_argument("--space", default=str(SPACE), help="of the studies [default: docs/the-log/space.toml]")
    parser.add_argument("--seconds", type=float, default=60.0, help="the budget of a run [default: 60]")
    parser.add_argument("--studies", type=int, default=3, help="[default: 3]")
    parser.add_argument("--fresh", type=int, default=5, help="seeds to run each winner with [default: 5]")
    parser.add_argument("--long-seconds", type=float, default=180.0, help="the longer budget [default: 180]")
    parser.add_argument("--long-fresh", type=int, default=2, help="seeds for the longer budget [default: 2]")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the best so far there (.png or .svg)")
    args = parser.parse_args(argv)
    args.corpus = load_corpus(args.corpus).name
    args.folder = user_path(args.folder, "the folder")
    args.arms = [parse_arm(DEFAULT)]
    return args


class Contest:
    """The log's runs, the studies, and fresh runs of what they found.

    Args:
        args: what was asked.
        train: how a run is made that no study makes.
    """

    def __init__(self, args: argparse.Namespace, train: Train = train_in_a_fresh_process) -> None:
        self.args, self.runs = args, published_runs()
        args.trials = len(self.runs)
        self.kept = KeptRuns(args.folder / "runs.jsonl", args.corpus, train)
        self.comparison = Comparison(args, train)
        self.studies: dict[str, bardtune.Study] = {}

    def run(self) -> None:
        """All that is not there yet."""
        self._make_the_log_again()
        for seed in range(self.args.studies):
            self.studies[study_name(DEFAULT, seed)] = self.comparison.study(self.args.arms[0], seed)
        for seconds, count in (
            (self.args.seconds, self.args.fresh),
            (self.args.long_seconds, self.args.long_fresh),
        ):
            for number in range(count):
                for name, settings in self.winners().items():
                    self._make(f"winner of {name}", settings, seconds, derive_seed(FIRST_FRESH_SEED, "fresh", number))

    def _make_the_log_again(self) -> None:
        for run in self.runs:
            self._make(run.name, run.settings, self.args.seconds, SEED, published_bpb=run.published_bpb)

    def _make(self, name: str, settings: dict[str, Any], seconds: float, seed: int, **facts: Any) -> None:
        self.kept.run(name, settings, seconds=seconds, seed=seed, **facts)

    def log_bpbs(self) -> list[float]:
        """Of the log's runs here, in their order; inf for one that diverged."""
        reached = [self.kept.by_seed(run.name, self.args.seconds)[SEED] for run in self.runs]
        return [float("inf") if bpb is None else bpb for bpb in reached]

    def winners(self) -> dict[str, dict[str, Any]]:
        """What each search recommends: the log its lowest value, a study what its verdict says."""
        bpbs = self.log_bpbs()
        found = {LOG: self.runs[bpbs.index(min(bpbs))].settings}
        for name, study in self.studies.items():
            assert study.winner is not None
            found[name] = study.winner.settings
        return found

    def lines(self) -> list[str]:
        """What there is to say of it."""
        bpbs = self.log_bpbs()
        said = [f"{LOG}: lowest {min(bpbs):.4f}, by {self.runs[bpbs.index(min(bpbs))].name!r}"]
        for name, study in self.studies.items():
            winner = study.winner
            assert winner is not None
            counts = study.record.counts()
            said.append(f"{name}: {winner.params}, said {winner.bpb:.4f}, {counts}")
        for seconds in (self.args.seconds, self.args.long_seconds):
            log = self.kept.by_seed(f"winner of {LOG}", seconds)
            for name in (LOG, *self.studies):
                own = self.kept.by_seed(f"winner of {name}", seconds)
                if own:
                    less = "" if name == LOG else f"; less {LOG}'s {spread(paired_differences(log, own))}"
                    said.append(f"winner of {name}, {seconds:g} s, fresh seeds: {spread(list(own.values()))}{less}")
        return said

    def best_so_far(self) -> dict[str, list[tuple[int, float, float]]]:
        """By search: (runs, minutes of training, lowest bpb so far) after each of its runs."""
        lowest = accumulate(self.log_bpbs(), min)
        minutes = self.args.seconds / 60
        lines = {LOG: [(n, n * minutes, bpb) for n, bpb in enumerate(lowest, start=1) if bpb < float("inf")]}
        return lines | {name: steps_of(study.record) for name, study in self.studies.items()}


def steps_of(record: StudyRecord) -> list[tuple[int, float, float]]:
    """(runs of every role, minutes of training, lowest bpb of the search so far) after each run, by its end."""
    ended = sorted((run for run in record.runs if run.ended is not None), key=lambda run: run.ended)
    steps: list[tuple[int, float, float]] = []
    lowest, minutes = float("inf"), 0.0
    for number, run in enumerate(ended, start=1):
        minutes += run.stats.seconds.get("train", 0.0) / 60
        if run.role == "search" and run.val_bpb is not None:
            lowest = min(lowest, run.val_bpb)
        if lowest < float("inf"):
            steps.append((number, minutes, lowest))
    return steps


def draw(contest: Contest, file: Path) -> None:
    """Best so far against runs and against minutes, and the means of fresh runs."""
    from bardtune.studies.plots import theme
    from bardtune.studies.plots.matplotlib.base import LEGEND, framed_sheet
    from bardtune.studies.plots.view import Frame
    from bardtune.studies.plots.words import BPB

    args = contest.args
    note = "Lines: the lowest single value so far, too good by luck. Diamonds: the winner's fresh runs, mean and sd."
    subtitle = f"{args.corpus}, {len(contest.runs)} runs of {args.seconds:g} s each"
    sheet = framed_sheet(
        Frame(title="A published manual search, and bardtune in its place", subtitle=subtitle, note=note)
    )
    panels = sheet.subplots(1, 2, sharey=True)
    for (name, steps), colour in zip(contest.best_so_far().items(), theme.STUDIES, strict=False):
        fresh = contest.kept.spread(f"winner of {name}", args.seconds)
        for panel, place in zip(panels, (0, 1), strict=True):
            along = [step[place] for step in steps]
            panel.step(along, [step[2] for step in steps], where="post", color=colour, lw=1.8, label=name)
            if fresh is not None:
                panel.errorbar(
                    [along[-1]], [fresh.mean], yerr=[fresh.sd or 0.0], fmt="D", ms=6, mfc="none", color=colour
                )
    for panel, label in zip(panels, ("runs", "minutes of training"), strict=True):
        panel.set_xlabel(label)
        panel.grid(axis="y")
    panels[0].set_ylabel(BPB)
    panels[0].legend(ncols=4, **LEGEND)
    sheet.savefig(file)


def compared(argv: Sequence[str] | None) -> list[str]:
    """Make what is not there yet, draw it if that is asked, and say what came of it."""
    contest = Contest(read_args(argv))
    os.environ.setdefault("BARDTUNE_HOME", str(contest.args.folder / "home"))
    contest.run()
    if contest.args.picture is not None:
        draw(contest, contest.args.picture)
    return contest.lines()


def main(argv: Sequence[str] | None = None) -> int:
    return carry_out("the_log", lambda: compared(argv))


if __name__ == "__main__":
    sys.exit(main())

"""What is a search worth over the preset? Several texts, several budgets: the reference recipe, preset, and winner.

    python -m benchmarks.worth FOLDER --corpora shakespeare,program.txt --seconds 20,60

For each text and budget a study with all defaults; then the preset and what the study recommends are run by turns with
the same fresh seeds, and the reference recipe after them. FOLDER keeps all of it: stopped, it goes on when it is called
again, and `--fresh 0` says what is there. Let nothing else run meanwhile. `--picture FILE` draws all means.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bardtune
from bardtune.data.corpus import BUILT_IN, load_corpus
from bardtune.data.errors import UserError
from bardtune.data.paths import short_name, user_path
from bardtune.model.presets import PRESETS
from bardtune.search.sampling.seeds import derive_seed
from bardtune.search.sampling.space_file import load_space
from bardtune.search.terminal.lines import value_text
from bardtune.studies.plan import StudyPlan
from benchmarks.compare import train_in_a_fresh_process
from benchmarks.kept import KeptRuns, Train, carry_out
from benchmarks.pairs import Spread, paired_differences, spread
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.arms import DEFAULT, parse_arm
from benchmarks.search.real import FIRST_FRESH_SEED, Comparison

REFERENCE, PRESET, WINNER = "reference", "preset", "winner"


def read_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = OneSentenceParser(prog="python -m benchmarks.worth", description=__doc__)
    parser.add_argument("folder", help="where runs and studies are kept")
    parser.add_argument("--corpora", default=BUILT_IN, help="texts, with commas between them")
    parser.add_argument("--seconds", default="20,60", help="budgets, with commas between them [default: 20,60]")
    parser.add_argument("--space", default=StudyPlan().space, help="of the studies [default: %(default)s]")
    parser.add_argument("--trials", type=int, default=25, help="of a study [default: 25]")
    parser.add_argument("--fresh", type=int, default=5, help="seeds to run each of the three with [default: 5]")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw all means there (.png or .svg)")
    args = parser.parse_args(argv)
    try:
        args.seconds = [float(text) for text in args.seconds.split(",")]
    except ValueError as problem:
        raise UserError(f"--seconds {args.seconds!r} is not numbers; write such as 20,60.") from problem
    args.corpora = [load_corpus(text).name for text in args.corpora.split(",")]
    names = [short_name(corpus) for corpus in args.corpora]
    if len(set(names)) < len(names):
        raise UserError(f"two texts have the same name ({', '.join(names)}); rename one.")
    args.folder = user_path(args.folder, "the folder")
    return args


class Cell:
    """One text and one budget.

    Args:
        args: what was asked.
        corpus: the text.
        seconds: the budget.
        train: how a run is made that no study makes.
    """

    def __init__(self, args: argparse.Namespace, corpus: str, seconds: float, train: Train) -> None:
        self.args, self.corpus, self.seconds = args, corpus, seconds
        folder = args.folder / f"{short_name(corpus)}-{seconds:g}s"
        self.comparison = Comparison(
            argparse.Namespace(
                folder=folder, trials=args.trials, seconds=seconds, space=args.space, corpus=corpus, fresh=args.fresh
            ),
            train,
        )
        self.kept = KeptRuns(folder / "runs.jsonl", corpus, train)
        self.study: bardtune.Study | None = None

    @property
    def name(self) -> str:
        return f"{short_name(self.corpus)}, {self.seconds:g} s"

    def run(self) -> None:
        """All that is not there yet: what is compared by turns, each second time the other way round, goes first."""
        self.study = self.comparison.study(parse_arm(DEFAULT), 0)
        winner = self.study.winner
        assert winner is not None
        pair = {PRESET: PRESETS["modern"], WINNER: winner.settings}
        for number in range(self.args.fresh):
            for name in pair if number % 2 == 0 else reversed(pair):
                self._make(name, pair[name], number)
        for number in range(self.args.fresh):
            self._make(REFERENCE, PRESETS["reference"], number)

    def _make(self, name: str, settings: dict[str, Any], number: int) -> None:
        seed = derive_seed(FIRST_FRESH_SEED, "fresh", number)
        self.kept.run(name, settings, seconds=self.seconds, seed=seed)

    def spread(self, name: str) -> Spread | None:
        return self.kept.spread(name, self.seconds)

    def lines(self) -> list[str]:
        """What there is to say of it."""
        assert self.study is not None
        winner = self.study.winner
        assert winner is not None
        known = load_space(self.args.space).best_known
        moved = [
            f"{name} {value_text(known[name])} to {value_text(value)}"
            for name, value in winner.params.items()
            if value != known[name]
        ]
        preset, won = (self.kept.by_seed(name, self.seconds) for name in (PRESET, WINNER))
        less = paired_differences(preset, won)
        record = self.study.record
        return [
            f"{self.name}: {record.counts()}, {record.seconds_used / 60:.0f} minutes",
            f"  winner: trial {winner.trial}, said {winner.bpb:.4f}; moved: {', '.join(moved) or 'nothing'}",
            *(f"  {name}: {of}" for name in (REFERENCE, PRESET, WINNER) if (of := self.spread(name)) is not None),
            f"  winner less preset: {spread(less) or 'not run'}",
        ]


def draw(cells: Sequence[Cell], file: Path) -> None:
    """A panel for each text: the three means by budget, and the seeds around them."""
    from bardtune.studies.plots import theme
    from bardtune.studies.plots.matplotlib.base import framed_sheet
    from bardtune.studies.plots.view import Frame
    from bardtune.studies.plots.words import BPB

    looks = {REFERENCE: ("s", theme.PRUNED), PRESET: ("o", theme.BASELINE), WINNER: ("*", theme.BEST)}
    texts = list(dict.fromkeys(cell.corpus for cell in cells))
    budgets = sorted({cell.seconds for cell in cells})
    args = cells[0].args
    sheet = framed_sheet(
        Frame(
            title="What a search is worth over the preset",
            subtitle=f"studies of {args.trials} runs, all defaults; then {args.fresh} fresh seeds each",
            note="Bars: two standard deviations up and down. Each text has an axis of its own: its bpbs are its own.",
        )
    )
    panels = sheet.subplots(1, len(texts), squeeze=False)[0]
    for panel, text in zip(panels, texts, strict=True):
        for turn, (name, (marker, colour)) in enumerate(looks.items()):
            found = [(cell.seconds, of) for cell in cells if cell.corpus == text and (of := cell.spread(name))]
            panel.errorbar(
                [budgets.index(seconds) + 0.12 * (turn - 1) for seconds, _ in found],
                [of.mean for _, of in found],
                yerr=[2 * (of.sd or 0.0) for _, of in found],
                fmt=marker,
                ms=9 if marker == "*" else 6,
                color=colour,
                label=name,
            )
        panel.set_title(short_name(text), fontsize=theme.SMALL_SIZE)
        panel.set_xticks(range(len(budgets)), [f"{seconds:g} s" for seconds in budgets])
        panel.set_xlim(-0.5, len(budgets) - 0.5)
        panel.grid(axis="y")
    panels[0].set_ylabel(BPB)
    panels[-1].legend(loc="center right")
    sheet.savefig(file)


def compared(argv: Sequence[str] | None) -> list[str]:
    """Make what is not there yet, draw it if that is asked, and say it."""
    args = read_args(argv)
    os.environ.setdefault("BARDTUNE_HOME", str(args.folder / "home"))
    cells = [
        Cell(args, corpus, seconds, train_in_a_fresh_process) for corpus in args.corpora for seconds in args.seconds
    ]
    for cell in cells:
        cell.run()
    if args.picture is not None:
        draw(cells, args.picture)
    return [line for cell in cells for line in cell.lines()]


def main(argv: Sequence[str] | None = None) -> int:
    return carry_out("worth", lambda: compared(argv))


if __name__ == "__main__":
    sys.exit(main())

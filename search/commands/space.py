"""What ``bardtune space`` does and prints."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bardtune.data.corpus import BUILT_IN, load_corpus
from bardtune.data.host import available_memory_bytes
from bardtune.search.commands.shared import say_next
from bardtune.search.commands.train import check_seconds, check_threads
from bardtune.search.launch.processes import other_trainers
from bardtune.search.launch.tryout import NUM_STEPS, Tryout, try_out
from bardtune.search.sampling.space import SearchSpace
from bardtune.search.sampling.space_file import load_space
from bardtune.search.sampling.space_words import space_lines
from bardtune.search.sampling.spaces.registry import space_names, space_text
from bardtune.search.sampling.unit_cube import params_at
from bardtune.search.terminal.lines import params_text

FEW_STEPS = 200  # of a run that has not learned much
MUCH_COUNTING = 0.5  # of the budget


@dataclass(frozen=True, kw_only=True, slots=True)
class SpaceFlags:
    """What ``bardtune space`` was told."""

    name: str
    check: bool
    draws: int
    corpus: str
    seconds: float
    threads: int | None
    seed: int


def space_command(flags: SpaceFlags) -> int:
    """Exit code 2 if some settings of the space do not work here."""
    if flags.name in space_names() and not flags.check:
        print(space_text(flags.name), end="")
        return 0
    budget_s, threads = check_seconds(flags.seconds), check_threads(flags.threads)
    space = load_space(flags.name)
    corpus = load_corpus(flags.corpus)  # refused before anything is tried
    for line in space_lines(space):
        print(line)
    if not flags.draws:
        return 0
    if others := other_trainers():
        print(
            f"\nbeware: another study trains on this machine (process {', '.join(map(str, others))}): steps take longer"
        )
    print(
        f"\n{flags.draws} drawn and trained for {NUM_STEPS} steps each on {corpus.name}, {threads} "
        f"thread{'s' * (threads != 1)}:"
    )
    print(f"{'':>4}  {'parameters':>10}  {'memory':>8}  {'steps in ' + format(budget_s, 'g') + ' s':>14}")
    tried: list[Tryout] = []
    for number, params in enumerate(drawn(space, flags.draws, seed=flags.seed)):
        settings = {**space.fixed, **params, "budget_s": budget_s, "seed": flags.seed}
        tried.append(try_out(settings, flags.corpus, threads=threads))
        print(_line(number, tried[-1], budget_s, params), flush=True)
    for warning in warnings_of(tried, budget_s):
        print(f"beware: {warning}")
    failed = sum(each.reason is not None for each in tried)
    if failed:
        print(f"{failed} of {len(tried)} do not work here; a study would lose such trials")
        return 2
    print("all of them work here")
    text = "" if flags.corpus == BUILT_IN else f" --corpus {shlex.quote(flags.corpus)}"
    say_next(f"start NAME --space {shlex.quote(flags.name)}{text} --seconds {flags.seconds:g}")
    return 0


def drawn(space: SearchSpace, count: int, *, seed: int) -> Iterator[dict[str, Any]]:
    """The best known point, and then parameters from anywhere in the space."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        yield space.best_known if number == 0 else params_at(space, rng.uniform(size=len(space.dimensions)))


def _line(number: int, found: Tryout, budget_s: float, params: dict[str, Any]) -> str:
    if found.reason is not None:
        return f"{number:>4}  does not work: {found.reason}\n{'':>4}  {params_text(params)}"
    size, memory = f"{found.num_params / 1e6:.2f} M", f"{found.memory_bytes / 1e9:.2f} GB"
    return f"{number:>4}  {size:>10}  {memory:>8}  {found.steps_in(budget_s):>14,}\n{'':>4}  {params_text(params)}"


def warnings_of(tried: list[Tryout], budget_s: float) -> Iterator[str]:
    """What is slow or large among what works."""
    working = [(number, each) for number, each in enumerate(tried) if each.reason is None]
    if slow := [number for number, each in working if each.steps_in(budget_s) < FEW_STEPS]:
        yield f"{_numbers(slow)} would make fewer than {FEW_STEPS} steps in {budget_s:g} s: too slow to learn much"
    if counting := [number for number, each in working if each.count_s > MUCH_COUNTING * budget_s]:
        yield f"{_numbers(counting)} would spend more than half of {budget_s:g} s on counting the text"
    free = available_memory_bytes()
    if large := [number for number, each in working if each.memory_bytes > free]:
        yield f"{_numbers(large)} took more memory than the {free / 1e9:.1f} GB that are free now"


def _numbers(places: list[int]) -> str:
    return f"drawing {places[0]}" if len(places) == 1 else f"drawings {', '.join(map(str, places))}"

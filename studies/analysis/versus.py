"""Studies against each other: which found better settings, how sure that is, and whether they compare at all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from bardtune.studies.analysis.verdict import CONFIDENCE, Verdict, verdict_of
from bardtune.studies.errors import PlanError
from bardtune.studies.plan import PLAN_DEFAULTS
from bardtune.studies.records import StudyRecord

LEAST, MOST = 2, 8  # studies to compare
OF_THE_RUN = ("budget_s", "seed")  # settings that are the plan's and not the winner's
# Facts without which bpb do not compare, by what they are called.
_CONDITIONS = {
    "corpus_sha256": "text",
    "metric_version": "ruler of bpb",
    "trainer_version": "trainer",
    "cpu": "processor",
    "numba": "compiler of loops (numba)",
    "torch": "version of torch",
    "numpy": "version of numpy",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The winners of two studies, by their runs with fresh seeds. bpb; Student's t with the noise of each (Welch)."""

    one: str
    other: str
    lower: float  # by how much the one's mean is below the other's
    low: float  # of the interval around that
    high: float
    chance: float  # that the one's settings are the better ones

    @property
    def is_told_apart(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Versus:
    """Several studies side by side."""

    records: tuple[StudyRecord, ...]
    verdicts: tuple[Verdict, ...]
    pairs: tuple[Pair, ...]  # those of which both winners were confirmed and the noise is known
    unlike: dict[str, tuple[Any, ...]]  # what their plans say differently, by field
    alike: dict[str, Any]  # and what they say alike
    params: dict[str, tuple[Any, ...]]  # settings of their winners, where they differ; None where one has none
    differ_in: tuple[str, ...]  # what must be alike for bpb to compare, and is not
    warnings: tuple[str, ...]  # what to beware of, this first of all


def versus(records: Sequence[StudyRecord]) -> Versus:
    """Compare studies, finished or not.

    Raises:
        PlanError: too few or too many, or one of them twice.
    """
    names = [record.name for record in records]
    if not LEAST <= len(records) <= MOST or len(set(names)) < len(names):
        raise PlanError(f"name {LEAST} to {MOST} different studies to compare, such as: bardtune compare plays novel")
    verdicts = tuple(verdict_of(record) for record in records)
    differ_in = tuple(_differ_in(records))
    pairs = (pair_of(names[one], verdicts[one], names[two], verdicts[two]) for one, two in _places(len(records)))
    plans = [record.plan.as_dict() for record in records]
    columns = {field: tuple(plan[field] for plan in plans) for field in PLAN_DEFAULTS}
    return Versus(
        records=tuple(records),
        verdicts=verdicts,
        pairs=tuple(pair for pair in pairs if pair is not None),
        unlike={field: values for field, values in columns.items() if len(set(values)) > 1},
        alike={field: values[0] for field, values in columns.items() if len(set(values)) == 1},
        params=_differing_params(verdicts),
        differ_in=differ_in,
        warnings=tuple(_warnings(records, differ_in)),
    )


def _places(number: int) -> list[tuple[int, int]]:
    return list(combinations(range(number), 2))


def pair_of(one: str, of_one: Verdict, other: str, of_other: Verdict) -> Pair | None:
    """How two winners differ; None if one was not confirmed, or nothing is known of how far seeds make runs differ."""
    from scipy.special import stdtr, stdtrit

    first, second = of_one.confirmed, of_other.confirmed
    if first is None or second is None or not math.isfinite(first.mean - second.mean):
        return None
    noises = [(verdict.seed_sd, verdict.degrees) for verdict in (of_one, of_other)]
    known = [(sd, degrees) for sd, degrees in noises if sd is not None and degrees > 0]
    if not known:
        return None
    squares = [(sd if sd is not None else known[0][0]) ** 2 for sd, _ in noises]
    parts = [square / group.n for square, group in zip(squares, (first, second), strict=True)]
    error = math.sqrt(sum(parts))
    lower = second.mean - first.mean
    if error == 0.0:
        chance = 0.5 if lower == 0 else float(lower > 0)
        return Pair(one=one, other=other, lower=lower, low=lower, high=lower, chance=chance)
    if len(known) == 1:
        degrees = float(known[0][1])
    else:
        shares = [part**2 / degrees for part, (_, degrees) in zip(parts, known, strict=True)]
        degrees = sum(parts) ** 2 / sum(shares)
    reach = float(stdtrit(degrees, (1 + CONFIDENCE) / 2)) * error
    return Pair(
        one=one,
        other=other,
        lower=lower,
        low=lower - reach,
        high=lower + reach,
        chance=float(stdtr(degrees, lower / error)),
    )


def _differing_params(verdicts: Sequence[Verdict]) -> dict[str, tuple[Any, ...]]:
    """What is searched anywhere, and of what is not, what all of them have set."""
    winners = [verdict.winner for verdict in verdicts]
    settings = [{} if winner is None else {**winner.settings, **winner.params} for winner in winners]
    searched = [name for winner in winners if winner is not None for name in winner.params]
    of_all = [name for name in settings[0] if all(name in each for each in settings)]
    names = dict.fromkeys([*searched, *of_all])
    columns = {name: tuple(each.get(name) for each in settings) for name in names if name not in OF_THE_RUN}
    return {name: values for name, values in columns.items() if len(set(map(repr, values))) > 1}


def _differ_in(records: Sequence[StudyRecord]) -> list[str]:
    """What must be alike for bpb to compare, and is not."""
    found = [
        word
        for key, word in _CONDITIONS.items()
        if len({record.fingerprint[key] for record in records if key in record.fingerprint}) > 1
    ]
    together = replace(records[0], search_runs=(), other_runs=tuple(run for record in records for run in record.runs))
    if len(together.kinds_of_processor) > 1 and _CONDITIONS["cpu"] not in found:
        found.append(_CONDITIONS["cpu"])
    budgets = {(record.plan.seconds, record.plan.threads) for record in records}
    if len({seconds for seconds, _ in budgets}) > 1:
        found.append("budget of a run")
    if len({threads for _, threads in budgets}) > 1:
        found.append("number of threads")
    return found


def _warnings(records: Sequence[StudyRecord], differ_in: Sequence[str]) -> list[str]:
    """What to beware of when they are compared."""
    sentences = [f"their bpb do not compare: they differ in {', '.join(differ_in)}"] if differ_in else []
    several = [record.name for record in records if len(record.kinds_of_processor) > 1]
    sentences += [f"{name} itself ran on several kinds of processor" for name in several]
    sentences += [
        f"{record.name} was extended after its verdict had been seen, and whoever goes on until he likes it finds luck"
        for record in records
        if record.extended_at
    ]
    names = {record.name for record in records}
    sentences += [
        f"{record.name} began with what {before.name} had found: the two are not independent"
        for record in records
        for before in record.earlier
        if before.name in names
    ]
    confirmed = {record.name: len(verdict_of(record).candidates) for record in records}
    if len(counts := {number for number in confirmed.values() if number}) > 1:
        each = ", ".join(f"{number} for {name}" for name, number in confirmed.items() if number)
        sentences.append(
            f"winners are the lowest of {min(counts)} to {max(counts)} that were confirmed ({each}), and the lowest of "
            "more is luckier"
        )
    if len(records) > LEAST:
        sentences.append("of many pairs, one in twenty is told apart by chance alone")
    return sentences

"""What comes of comparing studies, in words that are as sure as the runs allow."""

from collections.abc import Iterator
from itertools import combinations

from bardtune.data.paths import short_name
from bardtune.studies.analysis.numbers import number_text
from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.analysis.verdict import CONFIDENCE
from bardtune.studies.analysis.versus import Pair, Versus

_PATHS = ("corpus", "space")  # fields of the plan that may be paths


def field_text(name: str, value: object) -> str:
    """A value of a plan or of a winner's settings; no place is told."""
    if value is None:
        return "-"
    return short_name(str(value)) if name in _PATHS else number_text(value)


def sentences(found: Versus) -> Iterator[str]:
    """What is alike, why it may mean nothing, and what each pair comes to."""
    alike = ", ".join(f"{field} {field_text(field, value)}" for field, value in found.alike.items())
    if alike:
        yield f"planned alike: {alike}"
    yield from (f"beware: {warning}" for warning in found.warnings)
    yield from map(pair_text, found.pairs)
    told = {(pair.one, pair.other) for pair in found.pairs}
    names = combinations([record.name for record in found.records], 2)
    if unsure := [f"{one} and {other}" for one, other in names if (one, other) not in told]:
        yield (
            f"how {', '.join(unsure)} compare cannot be said: of single runs nobody knows how far they are luck; "
            "finished studies that have confirmed their winner can be compared"
        )


def pair_text(pair: Pair) -> str:
    """Which of two is better, by how much, and how sure that is."""
    is_one = pair.lower >= 0
    better, worse = (pair.one, pair.other) if is_one else (pair.other, pair.one)
    low, high = (pair.low, pair.high) if is_one else (-pair.high, -pair.low)
    begin = f"{better} is better than {worse}" if pair.is_told_apart else f"{better} and {worse} cannot be told apart"
    return (
        f"{begin}: {better} is lower by {bpb_text(abs(pair.lower))} bpb ({100 * CONFIDENCE:g} % interval {low:+.4f} to "
        f"{high:+.4f}), and better with a probability of {_percent(max(pair.chance, 1 - pair.chance))}"
    )


def _percent(chance: float) -> str:
    if chance > 0.999:
        return "more than 99.9 %"
    return f"{100 * chance:.1f} %" if chance > 0.99 else f"{100 * chance:.0f} %"

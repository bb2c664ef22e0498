"""Who runs when, and what the runs of two candidates say together."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Several values in short."""

    n: int
    mean: float
    sd: float | None  # of the sample; None for one value
    min: float
    max: float
    diverged: int = 0  # runs without a value, which are not among the n

    def __str__(self) -> str:
        sd = "no sd" if self.sd is None else f"sd {self.sd:.4f}"
        diverged = f", {self.diverged} more diverged" if self.diverged else ""
        return f"{self.mean:.4f} ({sd}; {self.min:.4f} to {self.max:.4f}; n={self.n}{diverged})"


def spread(values: Sequence[float | None]) -> Spread | None:
    """Return the values in short, or None if there are none; a run that diverged has None for its value."""
    reached = [value for value in values if value is not None]
    if not reached:
        return None
    return Spread(
        n=len(reached),
        mean=statistics.fmean(reached),
        sd=statistics.stdev(reached) if len(reached) > 1 else None,
        min=min(reached),
        max=max(reached),
        diverged=len(values) - len(reached),
    )


def turns(num_pairs: int) -> Iterator[tuple[int, str]]:
    """Yield the seed and the side of each run.

    Each second pair begins with B, so that a machine that slows down or recovers favours neither.
    """
    for seed in range(num_pairs):
        for side in "AB" if seed % 2 == 0 else "BA":
            yield seed, side


def paired_differences(a: Mapping[int, float | None], b: Mapping[int, float | None]) -> list[float | None]:
    """Return b less a for each seed that both have; None where one of the two has no value (it diverged)."""
    pairs = [(a[seed], theirs) for seed, theirs in b.items() if seed in a]
    return [None if ours is None or theirs is None else theirs - ours for ours, theirs in pairs]


def paired_ratios(a: Sequence[float | None], b: Sequence[float | None]) -> list[float]:
    """Return b / a of each pair; a pair of which one has no value (it diverged) is left out."""
    return [theirs / ours for ours, theirs in zip(a, b, strict=True) if ours and theirs is not None]

"""Who runs when, and what the runs of two candidates say together."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Several values in short."""

    n: int
    mean: float
    sd: float | None  # of the sample; None for one value
    min: float
    max: float

    def __str__(self) -> str:
        sd = "no sd" if self.sd is None else f"sd {self.sd:.4f}"
        return f"{self.mean:.4f} ({sd}; {self.min:.4f} to {self.max:.4f}; n={self.n})"


def spread(values: Sequence[float]) -> Spread | None:
    """Return the values in short, or None if there are none."""
    if not values:
        return None
    return Spread(
        n=len(values),
        mean=statistics.fmean(values),
        sd=statistics.stdev(values) if len(values) > 1 else None,
        min=min(values),
        max=max(values),
    )


def turns(num_pairs: int) -> Iterator[tuple[int, str]]:
    """Yield the seed and the side of each run.

    Each second pair begins with B, so that a machine that slows down or recovers favours neither.
    """
    for seed in range(num_pairs):
        for side in "AB" if seed % 2 == 0 else "BA":
            yield seed, side


def paired_ratios(a: Sequence[float | None], b: Sequence[float | None]) -> list[float]:
    """Return b / a of each pair; a pair of which one has no value (it diverged) is left out."""
    return [theirs / ours for ours, theirs in zip(a, b, strict=True) if ours and theirs is not None]

"""What a study takes from studies before it: their winners are tried first, and their runs are learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bardtune.studies.errors import PlanError


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierRun:
    """A run: its settings as parameters of the present space, and what it reached."""

    params: dict[str, Any]
    val_bpb: float | None  # None: it diverged


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierStudy:
    """A study that another one comes after, as it was when that began."""

    name: str
    differs: tuple[str, ...]  # in what its runs do not compare with those of the study after it; empty if they do
    winner: dict[str, Any]  # of those that the present space draws: its parameters
    winner_bpb: float  # that it reaches on average
    runs: tuple[EarlierRun, ...] = field(repr=False)
    other_ends: tuple[float, ...] = field(default=(), repr=False)  # bpb that pruned runs would have reached

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def earlier_from(study: str, stored: Sequence[Mapping[str, Any]]) -> tuple[EarlierStudy, ...]:
    """Read what was stored.

    Raises:
        PlanError: a version of bardtune made it that noted other things.
    """
    try:
        return tuple(
            EarlierStudy(
                name=each["name"],
                differs=tuple(each["differs"]),
                winner=dict(each["winner"]),
                winner_bpb=each["winner_bpb"],
                runs=tuple(EarlierRun(**run) for run in each["runs"]),
                other_ends=tuple(each.get("other_ends", ())),
            )
            for each in stored
        )
    except (TypeError, KeyError) as problem:
        raise PlanError(
            f"the study {study!r} was made by another version of bardtune, which notes other things of the studies "
            "before it; use that version."
        ) from problem

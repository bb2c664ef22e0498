"""The figures of one run: what it has done and taken, as a trainer counts them and a study stores them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

_TOO_MUCH = 2**63  # no figure of a run is as large


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStats:
    """What a run has done and taken; None where it is not known."""

    num_params: int | None = None
    steps: int | None = None  # optimizer updates
    bytes_seen: int | None = None  # trained on, repetitions counted
    bytes_per_s: int | None = None  # those for each second of training; a byte is a token
    seconds: dict[str, float] = field(default_factory=dict)  # by phase of the training clock
    cpu_ratio: float | None = None  # CPU seconds over wall seconds while training
    peak_memory_bytes: int | None = None
    threads: int | None = None
    host: str | None = None
    cpu: str | None = None  # the processor's name and wide instructions
    precision: str | None = None  # that "auto" came to: fp32 or bf16
    numba: bool | None = None  # whether its loops were compiled
    starved: bool | None = None  # the machine was busy with something else
    wall_s: float | None = None  # of a user's script, from its start to its end; so are those below
    over_budget: bool | None = None  # it trained for longer than it should
    measured_bpb: float | None = None  # by the last call of its evaluate_bpb
    said_bpb: float | None = None  # in its last line, where what it handed back was scored
    node: int | None = None  # of a cluster, from 1, in the order in which they joined

    @property
    def million_params(self) -> float | None:
        return None if self.num_params is None else round(self.num_params / 1e6, 6)

    @property
    def kind_of_processor(self) -> str:
        """What decides how fast it was and how its sums were rounded, as far as it is known."""
        compiled = "without numba" if self.numba is False else ""
        return ", ".join(part for part in (self.cpu, self.precision, compiled) if part)

    def as_dict(self) -> dict[str, Any]:
        """What is known, by name, as it is stored."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None and value != {}}


def stats_from(stored: object) -> RunStats:
    """Read what was stored, perhaps by another version or program: what has not the right type is not known."""
    known = stored if isinstance(stored, Mapping) else {}
    sound = {each.name: _sound(known.get(each.name), each.type) for each in fields(RunStats)}
    return RunStats(**sound)


def _sound(value: object, kind: object) -> Any:
    """``value`` if it is of the kind that a field has."""
    if kind == dict[str, float]:
        parts = value.items() if isinstance(value, Mapping) else ()
        return {str(phase): seconds for phase, seconds in parts if _is_number(seconds)}
    if kind in (bool | None, str | None):
        return value if isinstance(value, kind) else None  # type: ignore[arg-type]
    if not _is_number(value):
        return None
    return round(value) if kind == int | None else value  # type: ignore[call-overload]


def _is_number(value: object) -> bool:
    """Whether this is what a figure can be: finite, and not negative."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _TOO_MUCH

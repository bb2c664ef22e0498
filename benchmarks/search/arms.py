"""Ways to search that are compared: samplers and pruners of the registry, and the default with a part left out."""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from bardtune.data.errors import UserError
from bardtune.search.sampling.pruners.registry import PRUNERS
from bardtune.search.sampling.samplers.registry import SAMPLERS

DEFAULT = "default"
MOST = 10**9  # that a constant can be
TODAY = "tpe+halving+3x2"  # the default before there was a simulator


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """One way to search."""

    name: str
    plan: dict[str, Any] = field(default_factory=dict)  # what differs from a default plan
    changes: Callable[[], AbstractContextManager[None]] = nullcontext


# What the default search was tuned by: where it stands, and the least that it can be.
CONSTANTS = {
    "PRIOR_WEIGHT": ("bardtune.search.sampling.curvegp.acquisition", 0.0),
    "GOAL": ("bardtune.search.sampling.curvegp.acquisition", 0.0),
    "NUM_START": ("bardtune.search.sampling.curvegp.sampler", 1),
    "AWAY_EVERY": ("bardtune.search.sampling.curvegp.sampler", 1),
    "LEAST_CHANCE": ("bardtune.search.sampling.pruners.chance", 0.0),
    "NEAR": ("bardtune.search.sampling.pruners.chance", 0.0),
    "WARM_PERCENT": ("bardtune.search.sampling.pruners.chance", 0),
    "MIN_CURVES": ("bardtune.studies.surrogate.observations", 1),
    "LENGTH_MIDDLE": ("bardtune.studies.surrogate.process", -3.0),
    "LENGTH_SD": ("bardtune.studies.surrogate.process", 0.01),
}


@contextmanager
def _constants(values: Mapping[str, float]) -> Iterator[None]:
    modules = {name: importlib.import_module(CONSTANTS[name][0]) for name in values}
    before = {name: getattr(module, name) for name, module in modules.items()}
    for name, module in modules.items():
        setattr(module, name, values[name])
    try:
        yield
    finally:
        for name, module in modules.items():
            setattr(module, name, before[name])


@contextmanager
def _ends_only() -> Iterator[None]:
    """Of finished runs nothing is learned but their ends; of pruned ones there are only curves."""
    module = importlib.import_module("bardtune.studies.surrogate.observations")
    before, module.FINISHED_AT = module.FINISHED_AT, ()
    try:
        yield
    finally:
        module.FINISHED_AT = before


def _changed(name: str, values: Mapping[str, float]) -> Arm:
    return Arm(name=name, changes=lambda: _constants(values))


ABLATIONS = {
    "ends-only": Arm(name="ends-only", changes=_ends_only),
    "without-curves": _changed("without-curves", {"MIN_CURVES": 10**9}),
    "without-prior": _changed("without-prior", {"PRIOR_WEIGHT": 0.0}),
    "without-pruner": Arm(name="without-pruner", plan={"pruner": "none"}),
    "without-confirm": Arm(name="without-confirm", plan={"confirm": "3x2"}),
}


def parse_arm(text: str) -> Arm:
    """Understand an arm.

    Args:
        text: ``default``; ``default:NAME=NUMBER`` with other ``CONSTANTS``, ``:`` between several; ``without-curves``
            and the like; ``SAMPLER+PRUNER``, ``SAMPLER+PRUNER+CONFIRM``.

    A sampler and a pruner alone are what Optuna alone would do: no run is kept for confirming, and the lowest single
    value wins.

    Raises:
        UserError: none of these.
    """
    if text == DEFAULT:
        return Arm(name=text)
    if text in ABLATIONS:
        return ABLATIONS[text]
    if text.startswith(f"{DEFAULT}:"):
        return _changed(text, _numbers(text.split(":")[1:]))
    sampler, plus, rest = text.partition("+")
    pruner, _, confirm = rest.partition("+")
    if not plus:
        raise UserError(f"{text!r} is no arm; write {DEFAULT}, SAMPLER+PRUNER or one of {', '.join(ABLATIONS)}.")
    SAMPLERS.kind(sampler)
    PRUNERS.kind(pruner)
    return Arm(name=text, plan={"sampler": sampler, "pruner": pruner, "confirm": confirm or "0"})


def _numbers(changes: Sequence[str]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for change in changes:
        name, _, text = change.partition("=")
        if name not in CONSTANTS:
            raise UserError(f"{name!r} is no constant of the default search; choose from {', '.join(CONSTANTS)}.")
        least = CONSTANTS[name][1]
        try:
            numbers[name] = type(least)(text)
        except ValueError as problem:
            kind = "a whole number" if isinstance(least, int) else "a number"
            raise UserError(f"{change!r} does not say {kind}; write such as {name}={least}.") from problem
        if not least <= numbers[name] <= MOST:
            raise UserError(f"{change!r} is out of range; {name} is from {least} to {MOST}.")
    return numbers

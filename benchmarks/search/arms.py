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
TODAY = "tpe+halving+3x2"  # the default before there was a simulator


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """One way to search."""

    name: str
    plan: dict[str, Any] = field(default_factory=dict)  # what differs from a default plan
    changes: Callable[[], AbstractContextManager[None]] = nullcontext


# What the default search was tuned by, and where it stands.
CONSTANTS = {
    "PRIOR_WEIGHT": "bardtune.search.sampling.curvegp.acquisition",
    "GOAL": "bardtune.search.sampling.curvegp.acquisition",
    "KNOWN_SD": "bardtune.search.sampling.curvegp.candidates",
    "NUM_START": "bardtune.search.sampling.curvegp.sampler",
    "AWAY_EVERY": "bardtune.search.sampling.curvegp.sampler",
    "LEAST_CHANCE": "bardtune.search.sampling.pruners.chance",
    "NEAR": "bardtune.search.sampling.pruners.chance",
    "WARM_PERCENT": "bardtune.search.sampling.pruners.chance",
    "MIN_CURVES": "bardtune.studies.surrogate.observations",
    "LENGTH_MIDDLE": "bardtune.studies.surrogate.process",
    "LENGTH_SD": "bardtune.studies.surrogate.process",
}


@contextmanager
def _constants(values: Mapping[str, float]) -> Iterator[None]:
    modules = {name: importlib.import_module(CONSTANTS[name]) for name in values}
    before = {name: getattr(module, name) for name, module in modules.items()}
    for name, module in modules.items():
        setattr(module, name, type(before[name])(values[name]))
    try:
        yield
    finally:
        for name, module in modules.items():
            setattr(module, name, before[name])


def _changed(name: str, values: Mapping[str, float]) -> Arm:
    return Arm(name=name, changes=lambda: _constants(values))


ABLATIONS = {
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
    numbers = {}
    for change in changes:
        name, _, number = change.partition("=")
        try:
            numbers[name] = float(number)
        except ValueError as problem:
            raise UserError(f"{change!r} is no NAME=NUMBER, such as GOAL=0.4.") from problem
        if name not in CONSTANTS:
            raise UserError(f"{name!r} is no constant of the default search; choose from {', '.join(CONSTANTS)}.")
    return numbers

"""Ways to search that are compared: samplers and pruners of the registry, and the default with a part left out."""

from collections.abc import Callable, Iterator
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


@contextmanager
def _constant(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _without_curves() -> AbstractContextManager[None]:
    from bardtune.studies.surrogate import observations

    return _constant(observations, "MIN_CURVES", 10**9)


def _without_prior() -> AbstractContextManager[None]:
    from bardtune.search.sampling.curvegp import acquisition

    return _constant(acquisition, "PRIOR_WEIGHT", 0.0)


ABLATIONS = {
    "without-curves": Arm(name="without-curves", changes=_without_curves),
    "without-prior": Arm(name="without-prior", changes=_without_prior),
    "without-pruner": Arm(name="without-pruner", plan={"pruner": "none"}),
    "without-confirm": Arm(name="without-confirm", plan={"confirm": "3x2"}),
}


def parse_arm(text: str) -> Arm:
    """Understand ``default``, ``without-curves`` and the like, or ``SAMPLER+PRUNER``, ``SAMPLER+PRUNER+CONFIRM``.

    A sampler and a pruner alone are what Optuna alone would do: no run is kept for confirming, and the lowest single
    value wins.

    Raises:
        UserError: neither.
    """
    if text == DEFAULT:
        return Arm(name=text)
    if text in ABLATIONS:
        return ABLATIONS[text]
    sampler, plus, rest = text.partition("+")
    pruner, _, confirm = rest.partition("+")
    if not plus:
        raise UserError(f"{text!r} is no arm; write {DEFAULT}, SAMPLER+PRUNER or one of {', '.join(ABLATIONS)}.")
    SAMPLERS.kind(sampler)
    PRUNERS.kind(pruner)
    return Arm(name=text, plan={"sampler": sampler, "pruner": pruner, "confirm": confirm or "0"})

"""More of a study than its plan once asked for: what is stored of it, and what the study's plan is then.

A study's plan is written once. Each extension is one entry beside it, so that whatever happens to the process that
writes it, the study is either extended or not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bardtune.studies.errors import PlanError
from bardtune.studies.plan import Confirmation, StudyPlan

LEAST_CANDIDATES = 2  # of a search that goes on: its leader, and the one that led before


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """What a study was given, and what it had by then."""

    trials: int  # training runs of every kind, from now on
    hours: float  # active time, from now on
    at_runs: int  # training runs that there were
    confirmations: int  # of these, those that confirm ...
    baselines: int  # ... and those of the baseline

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def extensions_from(stored: Sequence[Mapping[str, Any]]) -> tuple[Extension, ...]:
    """As they were stored, the oldest first."""
    return tuple(Extension(**entry) for entry in stored)


def extended(plan: StudyPlan, extensions: Sequence[Extension]) -> StudyPlan:
    """What the plan is by now. Whoever wants more is not to be told again that the search may end."""
    if not extensions:
        return plan
    return replace(plan, trials=extensions[-1].trials, hours=extensions[-1].hours, stop_when_settled=False, target=0.0)


def more_of(plan: StudyPlan, *, trials: int | None, hours: float | None) -> StudyPlan:
    """The plan with more trials or hours.

    Args:
        plan: as it is.
        trials: training runs in all, those included that were made. [default: as they are]
        hours: active time in all. [default: as they are]

    Raises:
        PlanError: neither is more, one is less, or both together cannot be.
    """
    new = replace(plan, trials=trials or plan.trials, hours=hours or plan.hours)
    if trials == 0 or hours == 0 or new.trials < plan.trials or new.hours < plan.hours:
        raise PlanError(
            f"the study is planned for {plan.trials} trials and {plan.hours:g} h, and an extension only adds to them; "
            f"give --trials of more than {plan.trials}, or --hours of more than {plan.hours:g}."
        )
    if new == plan:
        raise PlanError(
            f"the study is planned for {plan.trials} trials and {plan.hours:g} h already; say how far it is to go, "
            "with --trials, --hours, or both."
        )
    return new


def confirmation_of(plan: StudyPlan, extensions: Sequence[Extension]) -> Confirmation:
    """What is kept for confirming, over the whole study: after an extension what there was, and that of the runs added.

    Args:
        plan: as it is by now.
    """
    if not extensions:
        return plan.confirmation
    last = extensions[-1]
    num_added = max(1, plan.trials - last.at_runs)
    more = replace(plan, trials=num_added).confirmation
    least = int(last.confirmations > 0 and num_added > 1)  # or else a new leader could never win
    num_fresh = max(more.num_runs, least)  # the baseline has had its runs
    return Confirmation(
        candidates=max(LEAST_CANDIDATES, more.candidates) if num_fresh else 0,
        fresh_runs=last.confirmations + num_fresh,
        baselines=max(0, last.baselines - 1),
        is_even=more.is_even,
    )

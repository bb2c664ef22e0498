"""More of a study than its plan once asked for: what is stored of it, and what the study's plan is then.

A study's plan is written once. Each extension is one entry beside it, so that whatever happens to the process that
writes it, the study is either extended or not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from bardtune.studies.errors import PlanError
from bardtune.studies.plan import MAX_HOURS, MAX_TRIALS, Confirmation, StudyPlan, expected_overhead_s

LEAST_CANDIDATES = 2  # of a search that goes on: its leader, and the one that led before


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """What a study was given, and what it had by then."""

    trials: int  # training runs of every kind, from now on
    hours: float  # active time, from now on
    stop_when_settled: bool  # from now on: what has ended the search once is not to end it again
    target: float  # from now on
    was_over: bool  # whoever asked for more had seen a verdict
    at_runs: int  # training runs that there were
    confirmations: int  # of these, those that confirm ...
    baselines: int  # ... and those of the baseline
    seconds_used: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def extensions_from(study: str, stored: Sequence[Mapping[str, Any]]) -> tuple[Extension, ...]:
    """As they were stored, the oldest first.

    Raises:
        PlanError: another version of bardtune has stored what this one does not know.
    """
    known = {field.name for field in fields(Extension)}
    for entry in stored:
        if set(entry) != known:
            raise PlanError(
                f"the study {study!r} was extended by another version of bardtune, which stores other things of that; "
                "use that version, or a newer one."
            )
    return tuple(Extension(**entry) for entry in stored)


def extended(plan: StudyPlan, extensions: Sequence[Extension]) -> StudyPlan:
    """What the plan is by now."""
    if not extensions:
        return plan
    last = extensions[-1]
    return replace(
        plan,
        trials=last.trials,
        hours=last.hours,
        stop_when_settled=last.stop_when_settled,
        target=last.target,
    )


def more_of(
    plan: StudyPlan, *, num_runs: int, trials: int | None, hours: float | None, ended_early: bool = False
) -> StudyPlan:
    """The plan with more trials or hours.

    Args:
        plan: as it is.
        num_runs: training runs that were made.
        trials: training runs in all, those included that were made. [default: as they are]
        hours: active time in all. [default: as they are]
        ended_early: whether the search was ended before it had made all that was planned, which it may do now.

    Raises:
        PlanError: neither is more, one is less, both together cannot be, or no run is left to be made.
    """
    if num_runs >= MAX_TRIALS:
        raise PlanError(f"the study has made {num_runs} trials, a study's cap; start a new study.")
    new = replace(plan, trials=plan.trials if trials is None else trials, hours=plan.hours if hours is None else hours)
    if new.trials < plan.trials or new.hours < plan.hours:
        raise PlanError(
            f"the study is planned for {plan.trials} trials and {plan.hours:g} h, and an extension only adds to them; "
            + _ways_out(plan)
        )
    if new.trials <= num_runs:
        raise PlanError(f"the study has made all of its {new.trials} trials; give --trials of more than {new.trials}.")
    if new == plan and not ended_early:
        raise PlanError(
            f"the study is planned for {plan.trials} trials and {plan.hours:g} h already; {_ways_out(plan)}"
        )
    return new


def _ways_out(plan: StudyPlan) -> str:
    """What more could be given."""
    ways = []
    if plan.trials < MAX_TRIALS:
        ways.append(f"--trials of more than {plan.trials}, up to {MAX_TRIALS}")
    if plan.hours < MAX_HOURS:
        ways.append(f"--hours of more than {plan.hours:g}, up to {MAX_HOURS:g}")
    return (
        f"give {', or '.join(ways)}." if ways else "that is all that a study may have; resume it, or start a new one."
    )


def confirmation_of(plan: StudyPlan, extensions: Sequence[Extension]) -> Confirmation:
    """What is kept for confirming, over the whole study: after an extension what there was, and that of the runs added.

    Args:
        plan: as it is by now.
    """
    if not extensions:
        return plan.confirmation
    last = extensions[-1]
    run_s = plan.seconds + expected_overhead_s(plan.seconds)
    num_affordable = int((plan.hours * 3600 - last.seconds_used) * plan.workers // run_s)
    num_added = max(1, min(plan.trials - last.at_runs, num_affordable))
    more = replace(plan, trials=num_added).confirmation
    baselines = more.baselines if last.baselines < 2 else 0  # it is run twice, and no more often
    least = int(last.confirmations > 0 and num_added > 1)  # or else a new leader could never win
    num_fresh = max(more.num_runs - baselines, least)
    return Confirmation(
        candidates=max(LEAST_CANDIDATES, more.candidates) if num_fresh else 0,
        fresh_runs=last.confirmations + num_fresh,
        baselines=max(0, last.baselines - 1) + baselines,
        is_even=more.is_even,
    )

"""More of a study than its plan once asked for."""

from dataclasses import replace
from typing import Any

import pytest

from bardtune.studies.errors import PlanError
from bardtune.studies.extensions import Extension, confirmation_of, extended, extensions_from, more_of
from bardtune.studies.plan import StudyPlan

PLAN = StudyPlan(trials=20, seconds=2.0, hours=1.0, stop_when_settled=True, target=1.8)


def extension(trials: int = 40, *, at_runs: int = 20, **changes: Any) -> Extension:
    facts: dict[str, Any] = {
        "stop_when_settled": False,
        "target": 0.0,
        "was_over": True,
        "confirmations": 4,
        "baselines": 2,
        "seconds_used": 90.0,
        **changes,
    }
    return Extension(trials=trials, hours=2.0, at_runs=at_runs, **facts)


def test_a_plan_is_as_its_last_extension_has_left_it() -> None:
    assert extended(PLAN, ()) == PLAN
    more = extended(PLAN, (extension(30), extension(40, at_runs=30)))
    assert more == replace(PLAN, trials=40, hours=2.0, stop_when_settled=False, target=0.0)
    assert extensions_from("s", [extension().as_dict()]) == (extension(),)


@pytest.mark.parametrize("more", [{"trials": 21}, {"hours": 1.5}, {"trials": 50, "hours": 3.0}])
def test_what_is_more_is_taken(more: dict[str, float]) -> None:
    new = more_of(PLAN, num_runs=12, trials=more.get("trials"), hours=more.get("hours"))  # type: ignore[arg-type]
    assert {"trials": new.trials, "hours": new.hours} == {"trials": 20, "hours": 1.0, **more}


@pytest.mark.parametrize(
    ("trials", "hours", "said"),
    [
        (None, None, "already; give --trials of more than 20, up to 50, or --hours of more than 1, up to 3"),
        (20, 1.0, "already; give --trials of more than 20, up to 50, or"),
        (19, None, "only adds to them"),
        (0, None, "choose --trials 50"),
        (None, 0.5, "only adds to them"),
        (None, 0.0, "choose --hours 3"),
        (40, 0.5, "only adds to them"),
        (51, None, "a study's cap; choose --trials 50"),
        (-1, None, "a study's cap; choose --trials 50"),
        (None, 4.0, "a study's cap; choose --hours 3"),
        (None, float("nan"), "--hours is nan"),
    ],
)
def test_what_is_not_more_is_refused(trials: int | None, hours: float | None, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        more_of(PLAN, num_runs=12, trials=trials, hours=hours)


@pytest.mark.parametrize(
    ("trials", "fresh_runs"),
    [(40, 4 + 5), (28, 4 + 2), (22, 4 + 1), (21, 4)],
)
def test_of_the_runs_that_are_added_a_quarter_confirms_what_leads_then(trials: int, fresh_runs: int) -> None:
    plan = extended(PLAN, [extension(trials)])
    confirmation = confirmation_of(plan, [extension(trials)])
    assert confirmation.fresh_runs == fresh_runs
    assert confirmation.baselines == 1  # as many as there were
    assert confirmation.candidates == (2 if fresh_runs > 4 else 0)
    assert confirmation_of(PLAN, ()) == PLAN.confirmation


def test_where_no_run_is_left_to_be_made_more_hours_are_refused_and_the_cap_is_the_cap() -> None:
    with pytest.raises(PlanError, match="has made all of its 20 trials; give --trials of more than 20"):
        more_of(PLAN, num_runs=20, trials=None, hours=2.0)
    with pytest.raises(PlanError, match="50 trials, a study's cap; start a new study"):
        more_of(replace(PLAN, trials=50), num_runs=50, trials=50, hours=3.0)


def test_a_baseline_that_has_not_had_its_two_runs_gets_them() -> None:
    for baselines, fresh_runs in ((0, 4), (1, 4), (2, 5)):
        made = extension(40, confirmations=0, baselines=baselines)
        kept = confirmation_of(extended(PLAN, [made]), [made])
        assert (kept.baselines, kept.fresh_runs, kept.num_runs) == (1, fresh_runs, fresh_runs + 1)


def test_where_hours_are_short_no_more_is_kept_than_a_quarter_of_what_fits() -> None:
    made = extension(50, seconds_used=2.0 * 3600 - 50)  # 50 s for runs of 4.2 s
    assert confirmation_of(extended(PLAN, [made]), [made]).fresh_runs == 4 + 2


def test_an_extension_of_another_version_is_refused_in_a_sentence() -> None:
    with pytest.raises(PlanError, match="the study 's' was extended by another version"):
        extensions_from("s", [{**extension().as_dict(), "colour": "red"}])


def test_a_study_that_confirms_nothing_does_not_begin_to() -> None:
    plan = replace(PLAN, confirm="0", trials=40)
    assert confirmation_of(plan, [extension(confirmations=0, baselines=1)]).num_runs == 0


def test_a_search_that_was_ended_early_goes_on_to_what_was_planned() -> None:
    whole = replace(PLAN, trials=50, hours=3.0)
    assert more_of(whole, num_runs=25, trials=50, hours=None, ended_early=True) == whole
    with pytest.raises(
        PlanError, match="50 trials and 3 h already; that is all that a study may have; resume it, or start a new one"
    ):
        more_of(whole, num_runs=25, trials=50, hours=None)

"""Studies against each other."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bardtune.model.training.stats import RunStats
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.analysis.versus import Pair, pair_of, versus
from bardtune.studies.analysis.versus_phrases import pair_text, sentences
from bardtune.studies.earlier import EarlierStudy
from bardtune.studies.errors import PlanError
from bardtune.studies.extensions import Extension
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord
from support.study_records import make_record, make_trial

SD = 0.002  # between seeds, as of 60 s on Shakespeare (benchmarks/search/worlds/seven-modern)


def study(name: str, *fresh: list[float], **changes: Any) -> StudyRecord:
    """A finished study; each list is of the fresh runs of one candidate."""
    trials = [
        make_trial(number, values[0], params={"learning_rate": 0.001 * (number + 1)})
        for number, values in enumerate(fresh)
    ]
    confirmations = [
        make_trial(place, bpb, role="confirmation", candidate=number, params={})
        for place, (number, bpb) in enumerate((number, bpb) for number, values in enumerate(fresh) for bpb in values)
    ]
    return make_record(*trials, name=name, other_runs=tuple(confirmations), **changes)


def drawn(name: str, mean: float, rng: np.random.Generator) -> StudyRecord:
    """Three candidates of equal worth, as a confirmation leaves them: two, two and three fresh runs."""
    return study(name, *(list(rng.normal(mean, SD, size=count)) for count in (2, 2, 3)))


def pair(one: StudyRecord, other: StudyRecord) -> Pair:
    found = pair_of(one.name, verdict_of(one), other.name, verdict_of(other))
    assert found is not None
    return found


def test_a_difference_has_an_interval_and_a_probability() -> None:
    found = pair(study("a", [2.0, 2.002]), study("b", [2.02, 2.022]))
    assert found.lower == pytest.approx(0.02)
    assert found.low == pytest.approx(0.02 - 4.3027 * 2**0.5 * 0.001, rel=1e-3)  # t with 2 degrees of freedom
    assert found.high + found.low == pytest.approx(0.04)
    assert (found.is_told_apart, found.chance > 0.99) == (True, True)
    other_way = pair(study("b", [2.02, 2.022]), study("a", [2.0, 2.002]))
    assert (other_way.lower, other_way.low, other_way.chance) == pytest.approx(
        (-found.lower, -found.high, 1 - found.chance)
    )


def test_a_study_and_its_double_cannot_be_told_apart() -> None:
    found = pair(study("a", [2.0, 2.01]), study("b", [2.0, 2.01]))
    assert (found.lower, found.chance, found.is_told_apart) == (0.0, 0.5, False)
    equal = pair(study("a", [2.0, 2.0]), study("b", [2.0, 2.0]))  # no noise at all
    assert (equal.chance, equal.is_told_apart) == (0.5, False)


def test_a_difference_of_a_hundredth_is_found_and_none_is_claimed_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    found = sum(pair(drawn("a", 1.79, rng), drawn("b", 1.80, rng)).low > 0 for _ in range(100))
    claimed = sum(pair(drawn("a", 1.8, rng), drawn("b", 1.8, rng)).is_told_apart for _ in range(100))
    assert found >= 95
    assert claimed <= 7


def test_what_was_not_confirmed_is_not_judged() -> None:
    confirmed, single = study("a", [2.0, 2.01]), make_record(make_trial(0, 1.9), name="b")
    found = versus([confirmed, single])
    assert found.pairs == ()
    assert "how a and b compare cannot be said" in list(sentences(found))[-1]
    once = study("c", [2.1])  # its noise is unknown: the other's stands for it
    assert pair(confirmed, once).lower == pytest.approx(0.095)
    of_three = list(sentences(versus([confirmed, single, once])))
    assert "how a and b, b and c compare cannot be said" in of_three[-1]
    assert any(text.startswith("beware: of many pairs") for text in of_three)
    assert versus([once, replace(once, name="d")]).pairs == ()


def test_plans_are_told_apart_by_what_they_say_differently() -> None:
    one, other = StudyPlan(trials=20, space="/home/me/mine.toml"), StudyPlan(trials=30, space="/home/me/mine.toml")
    found = versus([study("a", [2.0, 2.01], plan=one), study("b", [2.0, 2.01], plan=other)])
    assert found.unlike == {"trials": (20, 30)}
    assert found.alike["seconds"] == 180.0
    assert "space mine.toml" in next(iter(sentences(found)))  # no place is told
    assert found.params == {}


def test_winners_are_told_apart_by_their_parameters() -> None:
    found = versus([study("a", [2.0, 2.01], [1.9, 1.9]), study("b", [2.0, 2.01])])
    assert found.params == {"learning_rate": (0.002, 0.001)}


def test_what_one_of_them_searches_and_the_other_fixes_is_told_apart_too() -> None:
    def with_settings(record: StudyRecord, params: dict[str, Any], **settings: Any) -> StudyRecord:
        runs = (replace(run, params=params, settings=settings) for run in record.search_runs)
        return replace(record, search_runs=tuple(runs))

    one = with_settings(study("a", [2.0, 2.01]), {"learning_rate": 0.1}, learning_rate=0.1, d_ff=64, seed=1)
    other = with_settings(study("b", [2.0, 2.01]), {}, learning_rate=0.2, d_ff=99, new_one=3, seed=2)
    assert versus([one, other]).params == {"learning_rate": (0.1, 0.2), "d_ff": (64, 99)}
    nothing = replace(study("c", [2.0]), search_runs=(), other_runs=())
    assert versus([one, nothing]).params == {"learning_rate": (0.1, None)}  # and not all that there is


def test_a_verdict_that_had_been_seen_and_studies_that_build_on_each_other_are_warned_of() -> None:
    more = Extension(
        trials=9, hours=3.0, stop_when_settled=False, target=0.0, was_over=True, at_runs=5, confirmations=1,
        baselines=1, seconds_used=9.0,
    )  # fmt: skip
    before = EarlierStudy(name="a", differs=(), winner={}, winner_bpb=2.0, runs=())
    found = versus([study("a", [2.0, 2.01], extensions=(more,)), study("b", [2.0, 2.01], earlier=(before,))])
    assert found.warnings == (
        "a was extended after its verdict had been seen, and whoever goes on until he likes it finds luck",
        "b began with what a had found: the two are not independent",
    )
    assert versus([study("b", [2.0, 2.01], earlier=(before,)), study("c", [2.0, 2.01])]).warnings == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fingerprint": {"corpus_sha256": "1"}}, "they differ in text"),
        ({"fingerprint": {"metric_version": 2}}, "they differ in ruler of bpb"),
        ({"fingerprint": {"cpu": "two"}}, "they differ in processor"),
        ({"plan": StudyPlan(seconds=20.0)}, "they differ in budget of a run"),
        ({"plan": StudyPlan(threads=2)}, "they differ in number of threads"),
        ({"fingerprint": {}}, None),  # an older study does not say
    ],
)
def test_what_does_not_compare_is_warned_of(changes: dict[str, Any], said: str | None) -> None:
    known = {"corpus_sha256": "0", "metric_version": 1, "cpu": "one", "numba": True}
    one, other = (study(name, [2.0, 2.01], fingerprint=known, plan=StudyPlan()) for name in "ab")
    assert versus([one, other]).warnings == ()
    given = {**changes, "fingerprint": {**known, **changes["fingerprint"]}} if changes.get("fingerprint") else changes
    warnings = versus([one, replace(other, **given)]).warnings
    assert ([said in warning for warning in warnings] == [True]) if said else warnings == ()


def test_a_study_that_ran_on_several_processors_is_named() -> None:
    kinds = [RunStats(cpu="one"), RunStats(cpu="two")]
    mixed = study("a", [2.0, 2.01], [2.1, 2.1])
    runs = tuple(replace(run, stats=kinds[place % 2]) for place, run in enumerate(mixed.search_runs))
    found = versus([replace(mixed, search_runs=runs), study("b", [2.0, 2.01])])
    assert found.warnings == (
        "their bpb do not compare: they differ in processor",
        "a itself ran on several kinds of processor",
        "winners are the lowest of 1 to 2 that were confirmed (2 for a, 1 for b), and the lowest of more is luckier",
    )


def test_the_lowest_of_more_is_said_to_be_luckier() -> None:
    found = versus([study("a", [2.0, 2.01], [2.1, 2.1], [2.2, 2.2]), study("b", [2.0, 2.01])])
    assert "the lowest of 1 to 3 that were confirmed (3 for a, 1 for b)" in found.warnings[0]


def test_what_is_no_number_is_not_judged() -> None:
    assert versus([study("a", [2.0, float("inf")]), study("b", [2.0, 2.01])]).pairs == ()


def test_a_precision_that_one_of_them_fixes_is_no_other_processor() -> None:
    def on(cpu: str, precision: str, asked: str, name: str) -> StudyRecord:
        whole = study(name, [2.0, 2.01])
        run = replace(whole.search_runs[0], stats=RunStats(cpu=cpu, precision=precision), settings={"precision": asked})
        return replace(whole, search_runs=(run,))

    chosen, fixed = on("one", "bf16", "auto", "a"), on("one", "fp32", "fp32", "b")
    assert versus([chosen, fixed]).warnings == ()
    elsewhere = on("two", "fp32", "fp32", "b")
    assert versus([chosen, elsewhere]).warnings == ("their bpb do not compare: they differ in processor",)


@pytest.mark.parametrize("names", [["a"], ["a", "a"], [str(number) for number in range(9)]])
def test_too_few_too_many_or_one_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(PlanError, match="name 2 to 8 different studies"):
        versus([study(name, [2.0, 2.01]) for name in names])


def test_the_words_are_as_sure_as_the_numbers() -> None:
    sure = Pair(one="a", other="b", lower=-0.02, low=-0.03, high=-0.01, chance=0.0001)
    assert pair_text(sure) == (
        "b is better than a: b is lower by 0.0200 bpb (95 % interval +0.0100 to +0.0300), and better with a "
        "probability of more than 99.9 %"
    )
    unsure = Pair(one="a", other="b", lower=0.001, low=-0.003, high=0.005, chance=0.72)
    assert pair_text(unsure) == (
        "a and b cannot be told apart: a is lower by 0.0010 bpb (95 % interval -0.0030 to +0.0050), and better with a "
        "probability of 72 %"
    )

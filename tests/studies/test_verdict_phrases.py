"""Terminal, report and export say the same of who has won, and are no surer than the runs allow."""

from dataclasses import replace
from typing import Any

import pytest

from bardtune.model.training.stats import RunStats
from bardtune.search.terminal.verdict import verdict_lines
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.analysis.verdict_phrases import VerdictPhrases, phrases_of, sentences
from bardtune.studies.records import StudyRecord
from bardtune.studies.report.facts import found
from support.study_records import make_record, make_trial


def confirmed(*bpbs: tuple[int, float], **changes: Any) -> StudyRecord:
    """Two search trials and a baseline; (candidate, bpb) of each fresh run."""
    record = make_record(make_trial(0, 2.20), make_trial(1, 2.21), baseline_bpb=2.40)
    again = [make_trial(n, bpb, role="confirmation", candidate=who) for n, (who, bpb) in enumerate(bpbs, start=1)]
    return replace(record, other_runs=(*record.other_runs, *again), **changes)


FAR_APART = confirmed((0, 2.250), (0, 2.252), (1, 2.300), (1, 2.302))
CLOSE = confirmed((0, 2.25), (0, 2.27), (1, 2.26), (1, 2.28))
ALONE = confirmed((0, 2.25), (0, 2.252))
SINGLE = confirmed((0, 2.25))


def phrases(record: StudyRecord) -> VerdictPhrases:
    return phrases_of(verdict_of(record).as_json())


def test_a_winner_that_was_compared_with_nothing_has_no_confidence() -> None:
    assert sentences(phrases(ALONE))[1].startswith("At 95 % it is distinguishable from the baseline, and the only")
    without = replace(ALONE, other_runs=tuple(run for run in ALONE.other_runs if run.role != "baseline"))
    assert sentences(phrases(without))[1].startswith("It is the only trial that was confirmed")


@pytest.mark.parametrize(
    ("record", "certainty"),
    [
        (FAR_APART, "distinguishable from all that was confirmed (seed sd 0.0014 with 2 degrees of freedom)"),
        (
            ALONE,
            "distinguishable from the baseline, and the only trial that was confirmed (seed sd 0.0014 with 1 degree of "
            "freedom)",
        ),
        (
            replace(ALONE, other_runs=tuple(run for run in ALONE.other_runs if run.role != "baseline")),
            "the only trial that was confirmed (seed sd 0.0014 with 1 degree of freedom)",
        ),
        (CLOSE, "not distinguishable from trial 1 (seed sd 0.0141 with 2 degrees of freedom)"),
        (
            SINGLE,
            "not distinguishable from anything: nothing ran twice, so how far seeds make runs differ is not known",
        ),
        (make_record(make_trial(0)), "not confirmed: the lowest of many single runs is partly luck"),
    ],
)
def test_a_winner_is_called_as_sure_as_it_is(record: StudyRecord, certainty: str) -> None:
    assert phrases(record).certainty == certainty


def test_the_noise_that_two_baselines_show_is_told_also_of_an_unconfirmed_best() -> None:
    twice = tuple(make_trial(n, 2.4 + 0.02 * n, role="baseline") for n in range(2))
    told = phrases(replace(make_record(make_trial(0)), other_runs=twice))
    assert told.certainty == (
        "not confirmed: the lowest of many single runs is partly luck (seed sd 0.0141 with 1 degree of freedom)"
    )


def test_the_winner_is_told_by_its_fresh_runs_and_not_by_its_lucky_one() -> None:
    told = phrases(FAR_APART)
    assert (told.winner, told.bpb) == ("trial 0", "2.2510 bpb (sd 0.0014, n=2 seeds)")
    assert told.lower == "0.1490 lower than the baseline"
    assert told.raw_best == "2.2000 bpb, trial 0: one run, the luckiest of the search"


def test_a_winner_that_is_worse_than_the_baseline_is_called_so() -> None:
    assert phrases(make_record(make_trial(0, 2.5), baseline_bpb=2.4)).lower == "0.1000 higher than the baseline"


def test_without_a_finished_trial_nothing_is_told_of_a_winner() -> None:
    told = phrases(make_record(make_trial(0, None, ended="crashed")))
    assert (told.winner, told.certainty, told.test_score, sentences(told)) == (None, None, None, [])


def test_an_unfinished_search_has_a_best_so_far() -> None:
    assert sentences(phrases(make_record(make_trial(0))), so_far=True)[0].startswith("The best so far is trial 0: ")


@pytest.mark.parametrize("record", [FAR_APART, CLOSE, SINGLE, make_record(make_trial(0), baseline_bpb=2.2)])
def test_terminal_and_report_say_the_same(record: StudyRecord) -> None:
    final = {"confirmation-0001": {"test_bpb": 2.3}, "search-0000": {"test_bpb": 2.3}}
    record = replace(record, final=final)
    verdict = verdict_of(record)
    told = phrases(record)
    lines, page = " ".join(verdict_lines(verdict, record.best_known)), " ".join(found(record, verdict))
    for phrase in (told.winner, told.bpb, told.lower, told.certainty, told.test_score):
        assert phrase is not None
        assert phrase in lines
        assert phrase in page


def test_runs_that_were_starved_are_said_with_the_winner_and_the_baseline() -> None:
    def starving(*numbers: int) -> StudyRecord:
        busy = RunStats(starved=True)
        others = [
            replace(run, stats=busy) if run.role == "confirmation" and run.number in numbers else run
            for run in FAR_APART.other_runs
        ]
        return replace(FAR_APART, other_runs=tuple(others))

    assert phrases(starving()).bpb == "2.2510 bpb (sd 0.0014, n=2 seeds)"
    assert phrases(starving(1)).bpb == "2.2510 bpb (sd 0.0014, n=2 seeds, 1 of them starved)"
    single = replace(make_record(replace(make_trial(0), stats=RunStats(starved=True)), baseline_bpb=2.4))
    assert (phrases(single).bpb or "").endswith("bpb (one run, starved)")
    baseline = replace(
        single, other_runs=tuple(replace(run, stats=RunStats(starved=True)) for run in single.other_runs)
    )
    assert "(one run, starved), the reference recipe" in (phrases(baseline).baseline or "")


def test_a_log_of_an_older_version_says_nothing_of_starving() -> None:
    verdict = verdict_of(FAR_APART).as_json()
    del verdict["best"]["confirmed"]["starved"]
    assert phrases_of(verdict).bpb == "2.2510 bpb (sd 0.0014, n=2 seeds)"

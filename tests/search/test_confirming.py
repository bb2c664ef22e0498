"""Whom to confirm, and whose run decides most."""

from collections import Counter
from dataclasses import replace

from bardtune.search.engine.confirming import leaders, most_decisive
from bardtune.studies.records import StudyRecord
from bardtune.studies.surrogate.maker import SurrogateMaker
from support.curves import study_with_curves, trial_of, with_trials
from support.study_records import make_trial

TWINS = ({"learning_rate": 4e-3, "batch_size": 16}, {"learning_rate": 4.4e-3, "batch_size": 16})
WORSE = {"learning_rate": 3e-4, "batch_size": 4}


def record_with_leaders() -> StudyRecord:
    """Trials 20 and 21 are alike and the best, trial 22 is far worse."""
    others = study_with_curves(20).search_runs
    return with_trials(*others, *(trial_of(20 + n, params) for n, params in enumerate((*TWINS, WORSE))))


def confirmed(record: StudyRecord, runs: list[tuple[int, float]]) -> StudyRecord:
    """The study after these confirmation runs: candidate and bpb of each."""
    made = (
        make_trial(number, bpb, role="confirmation", candidate=candidate, params={})
        for number, (candidate, bpb) in enumerate(runs)
    )
    return replace(record, other_runs=tuple(made))


def next_of(record: StudyRecord) -> int:
    made = Counter(run.candidate for run in record.other_runs)
    return most_decisive(record, SurrogateMaker().make(record), [20, 21, 22], made)


def test_leaders_come_by_what_is_expected_of_them() -> None:
    record = record_with_leaders()
    found = [trial.number for trial in leaders(record, SurrogateMaker().make(record))]
    assert {20, 21} <= set(found[:5])
    assert 22 not in found[:5]
    assert len(found) == 23


def test_leaders_of_a_study_with_few_trials_come_by_their_values() -> None:
    few = with_trials(*(make_trial(number, 2.0 - number / 10) for number in range(3)))
    assert [trial.number for trial in leaders(few, None)] == [2, 1, 0]


def test_no_more_runs_are_spent_on_what_cannot_win() -> None:
    record = confirmed(record_with_leaders(), [(20, 1.80), (21, 1.801), (22, 1.92), (20, 1.80), (21, 1.80)])
    assert next_of(record) in (20, 21)


def test_of_two_that_are_alike_the_one_with_fewer_runs_is_next() -> None:
    once_more = confirmed(record_with_leaders(), [(20, 1.80), (21, 1.801), (22, 1.92), (20, 1.80)])
    assert next_of(once_more) == 21


def test_without_a_surrogate_they_take_turns() -> None:
    record = record_with_leaders()
    assert most_decisive(record, None, [20, 21, 22], Counter({20: 1, 21: 1, 22: 0})) == 22

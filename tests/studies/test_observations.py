"""The bpbs of a study as the surrogate sees them."""

from dataclasses import replace

import numpy as np
import pytest

from bardtune.studies.earlier import EarlierRun, EarlierStudy
from bardtune.studies.surrogate import observations
from bardtune.studies.surrogate.observations import modelled, observe
from support.curves import curve, study_with_curves, trial_of, with_trials, worth
from support.study_records import make_trial

GOOD, USUAL = ({"learning_rate": rate, "batch_size": 16} for rate in (4e-3, 4e-4))


def test_finished_runs_have_mean_0_and_variance_1_at_the_end() -> None:
    record = study_with_curves()
    seen = observe(record, modelled(record))
    assert seen is not None
    ends = seen.units[seen.time == 0]
    assert len(ends) == 24
    assert abs(ends.mean()) < 1e-9
    assert abs(ends.std() - 1) < 1e-9


def test_units_and_bpb_are_each_others_way_back() -> None:
    record = study_with_curves()
    seen = observe(record, modelled(record))
    assert seen is not None
    for bpb in (1.81, 1.85, 1.95):
        assert seen.scale.bpb(float(seen.scale.units(np.array([bpb]))[0])) == pytest.approx(bpb)


def test_the_clock_runs_down_to_the_end_and_what_is_still_to_be_gained_falls() -> None:
    record = study_with_curves()
    seen = observe(record, modelled(record))
    assert seen is not None
    percents = sorted(seen.clock)
    assert percents == list(range(10, 100, 10))
    gains, clocks = zip(*(seen.clock[percent] for percent in percents), strict=True)
    assert list(clocks) == sorted(clocks, reverse=True)
    assert list(gains) == sorted(gains, reverse=True)
    assert clocks[0] > 4 * clocks[-1]


def test_a_curve_is_not_read_until_some_runs_have_shown_where_curves_end() -> None:
    few = study_with_curves(observations.MIN_CURVES - 1)
    seen = observe(few, modelled(few))
    assert seen is not None
    assert seen.clock == {}
    assert len(seen.units) == observations.MIN_CURVES - 1


def test_a_pruned_run_is_read_from_the_end_of_its_curve_as_if_it_had_gone_on() -> None:
    record = study_with_curves(noise=0.0)
    pruned = trial_of(24, USUAL, until=60)
    seen = observe(record, modelled(with_trials(*record.search_runs, pruned)))
    assert seen is not None
    own = seen.owner == 24
    assert list(seen.time[own]) == [seen.clock[50][1], seen.clock[60][1]]
    expected = float(seen.scale.units(np.array([worth(USUAL)]))[0])
    assert abs(float(seen.units[own][-1]) - expected) < 0.5
    cut_off = replace(pruned, state="failed", ending="interrupted")  # by the hours: its settings are not to blame
    same = observe(record, modelled(with_trials(*record.search_runs, cut_off)))
    assert same is not None
    assert same.units[same.owner == 24].tolist() == seen.units[own].tolist()


def test_a_failed_run_is_at_least_as_bad_as_the_worst_that_finished() -> None:
    record = study_with_curves()
    diverged = make_trial(24, None, ended="diverged", params=GOOD)
    seen = observe(record, modelled(with_trials(*record.search_runs, diverged)))
    assert seen is not None
    assert seen.units[seen.owner == 24].tolist() == [seen.scale.failed]
    assert seen.scale.failed == seen.units.max()


def test_bad_runs_differ_from_worse_ones_however_bad_they_are() -> None:
    record = study_with_curves()
    bad, worse = (
        replace(trial_of(number, GOOD), val_bpb=bpb, curve=curve(GOOD, bpb)) for number, bpb in ((24, 5.0), (25, 9.0))
    )
    everything = with_trials(*record.search_runs, bad, worse)
    seen = observe(everything, modelled(everything))
    assert seen is not None
    ends = seen.time == 0
    found = [float(seen.units[(seen.owner == place) & ends][0]) for place in (24, 25)]
    assert found[1] > found[0] + 0.3
    assert seen.scale.failed >= found[1]


def test_what_is_usual_is_read_from_pruned_runs_too() -> None:
    everything = study_with_curves(noise=0.0).search_runs
    by_end = sorted(everything, key=lambda trial: trial.val_bpb or 0.0)
    pruned = {trial.number for trial in by_end[12:]}
    some = [trial_of(t.number, t.params, until=60) if t.number in pruned else t for t in everything]
    scales = []
    for runs in (everything, some, [trial for trial in everything if trial.number not in pruned]):
        seen = observe(with_trials(*runs), modelled(with_trials(*runs)))
        assert seen is not None
        scales.append(seen.scale.usual)
    with_all, with_pruned, with_finished = scales
    assert with_finished < with_pruned <= with_all
    assert with_pruned - with_finished > (with_all - with_finished) / 3


def test_a_confirmation_run_has_the_settings_of_its_candidate() -> None:
    record = study_with_curves()
    again = make_trial(1, 1.9, role="confirmation", candidate=3, params={})
    both = replace(record, other_runs=(make_trial(0, 2.2, role="baseline", params={}), again))
    runs = modelled(both)
    assert [run.role for run in runs].count("baseline") == 0
    seen = observe(both, runs)
    assert seen is not None
    place = next(place for place, run in enumerate(runs) if run.role == "confirmation")
    assert seen.params[place] == record.search_runs[3].params


def test_a_confirmation_that_crashed_says_nothing_of_settings_that_have_finished() -> None:
    record = study_with_curves(6)
    crashed = make_trial(0, None, ended="crashed", role="confirmation", candidate=3, params={})
    assert modelled(replace(record, other_runs=(crashed,))) == modelled(record)


def test_runs_are_in_the_order_in_which_they_ended_and_those_that_have_not_come_last() -> None:
    record = study_with_curves(6)
    first = replace(record.search_runs[0], state="running", ending=None, ended=None, val_bpb=None)
    runs = modelled(with_trials(first, *reversed(record.search_runs[1:])))
    assert [run.number for run in runs] == [1, 2, 3, 4, 5, 0]


@pytest.mark.parametrize("bpbs", [[], [1.9], [1.9, 1.9, 1.9]])
def test_nothing_is_observed_until_two_runs_have_finished_differently(bpbs: list[float]) -> None:
    record = with_trials(*(make_trial(number, bpb, params=GOOD) for number, bpb in enumerate(bpbs)))
    assert observe(record, modelled(record)) is None


def earlier_of(runs: list[tuple[dict[str, object], float]], *, differs: tuple[str, ...] = ()) -> EarlierStudy:
    best = min(runs, key=lambda run: run[1])
    return EarlierStudy(
        name="old",
        differs=differs,
        winner=best[0],
        winner_bpb=best[1],
        runs=tuple(EarlierRun(params=params, val_bpb=bpb) for params, bpb in runs),
    )


def test_runs_of_an_equal_study_before_are_learned_from_as_they_are_as_soon_as_one_of_our_own_has_finished() -> None:
    before = [({"learning_rate": rate, "batch_size": 16}, 1.8 + rate) for rate in (1e-3, 1e-2, 5e-2)]
    old = earlier_of(before)
    record = replace(with_trials(trial_of(0, GOOD)), earlier=(old,))
    seen = observe(record, modelled(record))
    assert seen is not None
    assert [seen.params[owner] for owner in seen.owner][-3:] == [params for params, _ in before]
    assert [round(seen.scale.bpb(float(units)), 6) for units in seen.units[-3:]] == [1.801, 1.81, 1.85]
    assert seen.study.tolist() == [0.0] * (len(seen.study) - 3) + [1 + observations.AWAY] * 3
    assert observe(replace(record, search_runs=()), []) is None
    failed = replace(old, runs=(*old.runs, EarlierRun(params=USUAL, val_bpb=None)), other_ends=(2.5, 2.6, 2.7))
    seen = observe(replace(record, earlier=(failed,)), modelled(record))
    assert seen is not None
    assert seen.units[-1] == seen.scale.failed
    assert seen.scale.usual > 0.04  # of what was pruned too


def test_runs_under_other_conditions_are_moved_by_what_the_same_settings_reach_here() -> None:
    before = [(GOOD, 1.0), (USUAL, 1.3)]
    other = earlier_of(before, differs=("text",))
    record = replace(with_trials(trial_of(0, GOOD), trial_of(1, USUAL)), earlier=(other,))
    here = record.search_runs[0].val_bpb
    seen = observe(record, modelled(record))
    assert seen is not None
    assert here is not None
    assert [seen.scale.bpb(float(units)) for units in seen.units[-2:]] == pytest.approx([here, here + 0.3])
    assert set(seen.study[-2:]) == {1 + observations.FAR_AWAY}
    apart = replace(with_trials(trial_of(0, USUAL), trial_of(1, {**USUAL, "batch_size": 8})), earlier=(other,))
    seen = observe(apart, modelled(apart))  # the winner has not been tried here
    assert seen is not None
    assert set(seen.study) == {0.0}
    assert len(seen.params) == 2

"""What a study expects: luck taken off, neighbours listened to, curves read."""

import math

import numpy as np

from bardtune.studies.surrogate.maker import LEARNED_AT, SurrogateMaker
from bardtune.studies.surrogate.surrogate import Surrogate
from support.curves import NOISE, curve, study_with_curves, trial_of, with_trials, worth

BEST = {"learning_rate": 4e-3, "batch_size": 16}
FAR = {"learning_rate": 1e-4, "batch_size": 2}
SLOW = {"learning_rate": 4e-3, "batch_size": 60}


def surrogate_of(num_trials: int = 40, *, seed: int = 0, noise: float = NOISE) -> Surrogate:
    found = SurrogateMaker().make(study_with_curves(num_trials, seed=seed, noise=noise))
    assert found is not None
    return found


def test_it_is_nearer_to_the_truth_than_the_values_are() -> None:
    closer = 0
    for seed in range(4):
        surrogate = surrogate_of(seed=seed, noise=0.01)
        trials = [run for run in surrogate.seen.runs if run.val_bpb is not None]
        mean, _ = surrogate.worth([trial.params for trial in trials])
        truth = np.array([worth(trial.params) for trial in trials])
        values = np.array([trial.val_bpb for trial in trials])
        near = values < np.quantile(values, 0.5)  # the scale is made for these
        expected = np.array([surrogate.seen.scale.bpb(float(each)) for each in mean])
        closer += np.abs(expected - truth)[near].mean() < np.abs(values - truth)[near].mean()
    assert closer >= 3


def test_settings_that_nobody_has_tried_are_told_apart() -> None:
    surrogate = surrogate_of()
    mean, covariance = surrogate.worth([BEST, FAR])
    assert mean[1] - mean[0] > 3 * math.sqrt(covariance[0, 0] + covariance[1, 1])


def test_the_leader_is_not_the_luckiest_run() -> None:
    record = study_with_curves(30)
    lucky = trial_of(30, {"learning_rate": 3e-2, "batch_size": 4}, chance=-0.12)
    neighbours = [
        trial_of(31 + n, {"learning_rate": 3e-2 * factor, "batch_size": 4}) for n, factor in enumerate((0.97, 1.03))
    ]
    record = with_trials(*record.search_runs, lucky, *neighbours)
    surrogate = SurrogateMaker().make(record)
    assert surrogate is not None
    assert record.best is not None
    assert record.best.number == 30
    assert surrogate.leaders[0].number != 30


def test_a_forecast_knows_that_large_batches_start_slowly() -> None:
    forecast = surrogate_of().forecast(SLOW)
    shown = curve(SLOW, worth(SLOW), until=40)
    mean, sd = forecast.end_after(shown)
    wrong = abs(forecast.scale.bpb(mean) - worth(SLOW))
    assert wrong < 0.03
    assert 0 < sd < 1


def test_the_further_a_curve_has_come_the_surer_is_its_end() -> None:
    forecast = surrogate_of().forecast(SLOW)
    sds = [forecast.end_after(curve(SLOW, worth(SLOW), until=until))[1] for until in (10, 30, 60, 90)]
    assert sds == sorted(sds, reverse=True)


def test_a_good_run_has_a_chance_to_lead_and_a_bad_one_has_not() -> None:
    surrogate = surrogate_of()
    good, bad = surrogate.forecast(BEST), surrogate.forecast(FAR)
    assert (good.chance_to_lead(curve(BEST, worth(BEST), until=60)) or 0.0) > 0.05
    assert (bad.chance_to_lead(curve(FAR, worth(FAR), until=60)) or 0.0) < 0.01
    assert bad.chance_to_lead(()) is None


def test_what_is_believed_of_running_trials_lowers_the_doubt_and_not_the_expectation() -> None:
    surrogate = surrogate_of(12)
    before, doubt = surrogate.worth([SLOW])
    after, less = surrogate.believing([SLOW]).worth([SLOW])
    assert abs(float(before[0] - after[0])) < 0.05
    assert less[0, 0] < doubt[0, 0]
    assert surrogate.believing([]) is surrogate


def test_the_noise_between_seeds_is_found() -> None:
    assert NOISE / 3 < surrogate_of(48).noise_bpb < 3 * NOISE


def test_equal_records_make_equal_surrogates_whoever_makes_them() -> None:
    record = study_with_curves(30)
    patient = SurrogateMaker()
    for count in range(1, 31):  # as a study that was never broken off
        patient.make(with_trials(*record.search_runs[:count]))
    one, other = patient.make(record), SurrogateMaker().make(record)
    assert one is not None
    assert other is not None
    assert (one.worth([BEST, FAR])[0] == other.worth([BEST, FAR])[0]).all()


def test_a_run_can_be_left_out() -> None:
    record = study_with_curves(LEARNED_AT[0] + 1)
    with_all, without = SurrogateMaker().make(record), SurrogateMaker().make(record, without="search-0001")
    assert with_all is not None
    assert without is not None
    assert len(without.seen.runs) == len(with_all.seen.runs) - 1


def test_there_is_none_before_some_runs_have_ended() -> None:
    assert SurrogateMaker().make(study_with_curves(LEARNED_AT[0] - 1)) is None
    assert SurrogateMaker().make(with_trials()) is None

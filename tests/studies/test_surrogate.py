"""The posterior mean: luck taken off, neighbours listened to."""

import numpy as np

from bardtune.studies.analysis.surrogate import best_by_posterior, coordinates, posterior_mean
from support.study_records import PARAMETERS, make_record, make_trial


def test_it_is_nearer_to_the_truth_than_the_values_are() -> None:
    closer = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = rng.uniform(size=(40, 3))
        truth = 1.8 + 0.1 * (x[:, 0] - 0.4) ** 2 + 0.05 * x[:, 1]
        values = truth + rng.normal(0, 0.01, 40)
        found = posterior_mean(x, values)
        closer += np.abs(found - truth).mean() < np.abs(values - truth).mean()
    assert closer >= 9


def test_without_noise_the_order_is_kept() -> None:
    x = np.linspace(0, 1, 20)[:, None]
    values = (x[:, 0] - 0.3) ** 2
    assert list(np.argsort(posterior_mean(x, values))[:3]) == list(np.argsort(values)[:3])


def test_few_or_equal_values_stand_as_they_are() -> None:
    assert [t.number for t in best_by_posterior(make_record(*(make_trial(n, 2.0 - n) for n in range(3))), 2)] == [2, 1]
    equal = make_record(*(make_trial(n, 2.0) for n in range(12)))
    assert [trial.number for trial in best_by_posterior(equal, 2)] == [0, 1]
    assert best_by_posterior(make_record(), 3) == []


def test_a_point_is_a_number_between_0_and_1_for_each_parameter_and_a_column_for_each_choice() -> None:
    found = coordinates(PARAMETERS, [{"d_model": 32, "d_ff": 768, "batch_size": 8}, {"d_model": 192, "batch_size": 4}])
    assert found.shape == (2, 6 + 4)
    assert list(found[:, 0]) == [0.0, 1.0]
    assert list(found[:, 2]) == [1.0, 0.5]  # the second has none
    assert ((found >= 0) & (found <= 1)).all()

"""Which candidate is tried."""

import numpy as np
import pytest

from bardtune.search.sampling.curvegp import acquisition
from bardtune.search.sampling.curvegp.acquisition import scores
from bardtune.studies.surrogate.maker import SurrogateMaker
from support.curves import study_with_curves

BEST = {"learning_rate": 4e-3, "batch_size": 16}
FAR = {"learning_rate": 1e-4, "batch_size": 2}
KNOWN = {"learning_rate": 1e-4, "batch_size": 2}


def test_what_is_near_the_optimum_is_preferred_once_much_has_been_seen() -> None:
    surrogate = SurrogateMaker().make(study_with_curves(30))
    assert surrogate is not None
    near, far = scores(surrogate, [BEST, FAR], best_known=BEST, num_runs=30)
    assert near > far


def test_the_prior_fades_with_the_number_of_runs() -> None:
    surrogate = SurrogateMaker().make(study_with_curves(12))
    assert surrogate is not None
    drawn = [BEST, FAR]
    early = np.subtract(*scores(surrogate, drawn, best_known=KNOWN, num_runs=5))
    late = np.subtract(*scores(surrogate, drawn, best_known=KNOWN, num_runs=500))
    assert late > early


def test_a_goal_further_away_prefers_what_is_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    surrogate = SurrogateMaker().make(study_with_curves(12))
    assert surrogate is not None
    beside, uncertain = (
        surrogate.leaders[0].params,
        max(
            (FAR, {"learning_rate": 1e-1, "batch_size": 64}),
            key=lambda params: float(surrogate.worth([params])[1][0, 0]),
        ),
    )
    preferences = []
    for goal in (0.0, 1.0, 3.0):
        monkeypatch.setattr(acquisition, "GOAL", goal)
        preferences.append(np.subtract(*scores(surrogate, [uncertain, beside], best_known=BEST, num_runs=500)))
    assert preferences == sorted(preferences)
    assert preferences[-1] > preferences[0]


def test_without_a_prior_it_is_the_expected_improvement_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquisition, "PRIOR_WEIGHT", 0.0)
    surrogate = SurrogateMaker().make(study_with_curves(12))
    assert surrogate is not None
    one = scores(surrogate, [BEST, FAR], best_known=KNOWN, num_runs=5)
    assert one.tolist() == scores(surrogate, [BEST, FAR], best_known=BEST, num_runs=50).tolist()

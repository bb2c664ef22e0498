"""Whom to confirm, and whose run decides most."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bardtune.studies.records import StudyRecord, TrialRecord

if TYPE_CHECKING:
    from bardtune.studies.surrogate.surrogate import Surrogate

LEAST_CHANCE = 0.05  # to be the best candidate; below it no more runs are spent on one
NUM_DRAWS = 4_096
MIN_FINISHED = 8  # trials; of fewer the values stand as they are


def leaders(record: StudyRecord, surrogate: "Surrogate | None") -> list[TrialRecord]:
    """Finished search trials, the best first: by what is expected of their settings, or by their values before that."""
    finished = [trial for trial in record.search_runs if trial.val_bpb is not None]
    if surrogate is not None and len(finished) >= MIN_FINISHED:
        return surrogate.leaders
    return sorted(finished, key=lambda trial: (trial.val_bpb, trial.number))


def most_decisive(
    record: StudyRecord, surrogate: "Surrogate | None", candidates: Sequence[int], made: Mapping[int | None, int]
) -> int:
    """The candidate whose next run decides most: of the likely best and its likeliest rivals, the one with fewest runs.

    Two stay in play whatever happens (D. Russo, "Simple Bayesian algorithms for best-arm identification", 2020); others
    as long as their chance to be the best is not small.

    Args:
        made: fresh runs of each candidate, those in progress included.
    """
    chances = dict.fromkeys(candidates, 1.0)
    if surrogate is not None:
        params = {trial.number: trial.params for trial in record.search_runs}
        mean, covariance = surrogate.worth([params[candidate] for candidate in candidates])
        rng = np.random.default_rng(sum(made.values()))
        draws = rng.multivariate_normal(mean, covariance, size=NUM_DRAWS, method="eigh", check_valid="ignore")
        shares = np.bincount(draws.argmin(axis=1), minlength=len(candidates)) / NUM_DRAWS
        chances = dict(zip(candidates, shares.tolist(), strict=True))
    ranked = sorted(candidates, key=lambda candidate: -chances[candidate])
    in_play = [*ranked[:2], *(candidate for candidate in ranked[2:] if chances[candidate] >= LEAST_CHANCE)]
    return min(in_play, key=lambda candidate: made[candidate])

"""Whether a search has settled: whether its next runs promise less than what seeds alone make of a run."""

from dataclasses import dataclass

import numpy as np

from bardtune.search.sampling.curvegp.candidates import candidates
from bardtune.search.sampling.so_far import StudySoFar

MIN_FINISHED = 12  # search trials; with fewer nobody knows what is left
NUM_CANDIDATES, NUM_DRAWS = 300, 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What the next runs of a search promise."""

    gain_bpb: float  # expected of all of them together
    noise_bpb: float  # standard deviation between seeds
    num_runs: int

    @property
    def is_settled(self) -> bool:
        return self.gain_bpb < self.noise_bpb

    @property
    def text(self) -> str:
        """What to say of a search that has settled."""
        runs = "the next run" if self.num_runs == 1 else f"the next {self.num_runs} runs"
        return (
            f"nothing more to gain: {self.gain_bpb:.4f} bpb expected of {runs}, and seeds alone differ by "
            f"{self.noise_bpb:.4f}"
        )


def outlook(so_far: StudySoFar, num_runs: int) -> Outlook | None:
    """What so many more runs promise; None as long as that cannot be told.

    Each run is imagined to go where one draw of the study's Gaussian process has its lowest value (Thompson sampling);
    what all of them together are expected to gain on the best settings is a bound from below, since real runs learn
    from each other, and they are no more than the candidates that are looked at.
    """
    record = so_far.record()
    finished = [trial for trial in record.search_runs if trial.val_bpb is not None]
    if num_runs < 1 or len(finished) < MIN_FINISHED:
        return None
    surrogate = so_far.surrogates.make(record)
    if surrogate is None:
        return None
    rng = np.random.default_rng([record.plan.seed, len(record.runs)])
    leaders = [trial.params for trial in surrogate.leaders[:5]]
    drawn = [*leaders[:1], *candidates(so_far.space, leaders, rng=rng, count=NUM_CANDIDATES)]
    mean, covariance = surrogate.worth(drawn)
    worths = rng.multivariate_normal(mean, covariance, size=num_runs + NUM_DRAWS, method="eigh", check_valid="ignore")
    tried = np.unique(worths[:num_runs].argmin(axis=1))
    judged = worths[num_runs:]
    reached = np.minimum(judged[:, 0], judged[:, tried].min(axis=1))
    gains = [
        surrogate.seen.scale.bpb(before) - surrogate.seen.scale.bpb(after)
        for before, after in zip(judged[:, 0], reached, strict=True)
    ]
    return Outlook(gain_bpb=float(np.mean(gains)), noise_bpb=surrogate.noise_bpb, num_runs=num_runs)

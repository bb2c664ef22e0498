"""A make-believe study that the default sampler has drawn."""

from bardtune.search.sampling.curvegp.sampler import CurveGPSampler
from bardtune.search.sampling.so_far import StudySoFar
from bardtune.search.sampling.space import space_from
from bardtune.studies.records import StudyRecord
from bardtune.studies.surrogate.maker import SurrogateMaker
from support.curves import trial_of, with_trials

SPACE = space_from(
    {
        "preset": "reference",
        "best_known": {"learning_rate": 1e-3, "batch_size": 4},
        "parameters": {
            "learning_rate": {"type": "float", "low": 1e-4, "high": 1e-1, "log": True},
            "batch_size": {"type": "int", "low": 2, "high": 64, "log": True},
        },
    }
)

CONDITIONAL = space_from(
    {
        "preset": "reference",
        "parameters": {
            "position": {"type": "categorical", "choices": ["rope", "alibi"]},
            "rope_theta": {
                "type": "float",
                "low": 10.0,
                "high": 1000.0,
                "log": True,
                "condition": {"position": "rope"},
            },
            "d_model": {"type": "int", "low": 32, "high": 128, "step": 16},
        },
    }
)  # one parameter under a condition


def searched(num_trials: int, *, seed: int = 0) -> StudyRecord:
    """A study that the sampler has drawn, trial by trial."""
    record = with_trials(trial_of(0, SPACE.best_known))
    surrogates = SurrogateMaker(SPACE.parameters)
    for number in range(1, num_trials):
        known = StudySoFar(space=SPACE, record=lambda known=record: known, surrogates=surrogates)
        params = CurveGPSampler(known, seed=1_000 * seed + number, number=number).draw()
        record = with_trials(*record.search_runs, trial_of(number, params))
    return record

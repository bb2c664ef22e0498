"""How long things should take: a run, the scoring of its weights; and what their study has left."""

from typing import Any

from bardtune.data.corpus import VALIDATION_PERCENT
from bardtune.studies.plan import StudyPlan, expected_overhead_s
from bardtune.studies.store.writer import StudyWriter

ALLOWANCE_SHARE = 0.25  # of its budget ...
ALLOWANCE_S = 30.0  # ... and wall seconds that a run may take longer than it should
EVALUATION_BYTES_PER_S = 5_000  # the slowest that can be meant ...
USUAL_BYTES_PER_S = 20_000  # ... what is usual on each thread ...
MOST_BYTES_PER_S = 100_000  # ... and the fastest
SCORING_SHARE = 4.0  # of the time to evaluate: validation and test part, and counting the text


def remaining_s(writer: StudyWriter) -> float:
    """Active time that a study has left; below 0 if it has taken longer."""
    return writer.plan.hours * 3600 - writer.lock.seconds_used()


def run_limit_s(writer: StudyWriter) -> float:
    """Seconds after which a run has taken too long: budget, allowance and evaluation, or what is left."""
    allowed_s = writer.plan.seconds * (1 + ALLOWANCE_SHARE) + ALLOWANCE_S + evaluation_s(writer.corpus)
    return min(allowed_s, remaining_s(writer))


def scoring_limit_s(corpus: dict[str, Any]) -> float:
    """Seconds after which a process that scores weights is ended unless it still works."""
    return ALLOWANCE_S + SCORING_SHARE * evaluation_s(corpus)


def overhead_s(plan: StudyPlan, corpus: dict[str, Any], *, bytes_per_s: float = MOST_BYTES_PER_S) -> float:
    """Seconds that a run takes beyond its budget, for lack of a measured figure: at least so many, mostly evaluation.

    Args:
        plan: of the study.
        corpus: its text.
        bytes_per_s: of the text that a thread evaluates on.
    """
    evaluating_s = float(corpus["bytes"]) * VALIDATION_PERCENT / 100 / (bytes_per_s * plan.threads)
    return max(expected_overhead_s(plan.seconds), expected_overhead_s(0.0) + evaluating_s)


def evaluation_s(corpus: dict[str, Any]) -> float:
    """Wall seconds to evaluate a model on the validation part, at the slowest that can be meant."""
    return float(corpus["bytes"]) * VALIDATION_PERCENT / 100 / EVALUATION_BYTES_PER_S

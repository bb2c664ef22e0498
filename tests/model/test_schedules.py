"""Learning-rate multipliers at their corners."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bardtune.model.training.schedules import learning_rate_multiplier
from support.options import CHOICES, NUMBERS

FRACTIONS = st.floats(0.0, 1.0)
WARMUPS = st.floats(*(NUMBERS["warmup"].low, NUMBERS["warmup"].high))
SCHEDULES = st.sampled_from(CHOICES["schedule"])


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [
        ("constant", 0.0, 0.0),
        ("constant", 0.1, 0.5),
        ("constant", 0.2, 1.0),
        ("constant", 1.0, 1.0),
        ("linear", 0.1, 0.5),
        ("linear", 0.2, 1.0),
        ("linear", 0.6, 0.5),
        ("linear", 1.0, 0.0),
        ("cosine", 0.1, 0.5),
        ("cosine", 0.2, 1.0),
        ("cosine", 0.4, 0.5 + 0.5**1.5),  # cos(pi / 4) is 0.5 ** 0.5
        ("cosine", 0.6, 0.5),
        ("cosine", 1.0, 0.0),
    ],
)
def test_the_multiplier_at_the_corners(schedule: str, progress: float, expected: float) -> None:
    assert learning_rate_multiplier(progress, schedule=schedule, warmup=0.2) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", CHOICES["schedule"])
def test_without_warm_up_a_run_starts_at_its_peak(schedule: str) -> None:
    assert learning_rate_multiplier(0.0, schedule=schedule, warmup=0.0) == 1.0


@given(progress=FRACTIONS, schedule=SCHEDULES, warmup=WARMUPS)
def test_the_peak_is_never_passed(progress: float, schedule: str, warmup: float) -> None:
    assert 0.0 <= learning_rate_multiplier(progress, schedule=schedule, warmup=warmup) <= 1.0


@given(early=FRACTIONS, late=FRACTIONS, schedule=SCHEDULES, warmup=WARMUPS)
def test_the_multiplier_rises_only_while_warming_up(early: float, late: float, schedule: str, warmup: float) -> None:
    early, late = sorted((early, late))
    before = learning_rate_multiplier(early, schedule=schedule, warmup=warmup)
    after = learning_rate_multiplier(late, schedule=schedule, warmup=warmup)
    if late < warmup:
        assert before <= after
    elif early >= warmup:
        assert before >= after

"""The clock charges training to the budget, and only training."""

import pytest

from bardtune.model.training.clock import PHASES, TrainingClock


class ScriptedTime:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def wall() -> ScriptedTime:
    return ScriptedTime()


@pytest.fixture
def cpu() -> ScriptedTime:
    return ScriptedTime()


@pytest.fixture
def clock(wall: ScriptedTime, cpu: ScriptedTime) -> TrainingClock:
    return TrainingClock(10.0, now=wall, cpu_now=cpu)


def test_a_new_clock_has_spent_nothing(clock: TrainingClock) -> None:
    assert clock.seconds == {"setup": 0.0, "train": 0.0, "evaluate": 0.0, "checkpoint": 0.0}
    assert (clock.spent_s, clock.fraction, clock.cpu_train_s) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_is_charged_the_wall_time_of_its_blocks(phase: str, clock: TrainingClock, wall: ScriptedTime) -> None:
    for _ in range(2):
        with clock.charge(phase):
            wall.now_s += 1.5
        wall.now_s += 100  # between phases: nobody's
    assert clock.seconds == {**dict.fromkeys(PHASES, 0.0), phase: 3.0}


def test_only_training_is_charged_to_the_budget(clock: TrainingClock, wall: ScriptedTime) -> None:
    for phase in PHASES:
        with clock.charge(phase):
            wall.now_s += 2.5
    assert clock.spent_s == 2.5
    assert clock.fraction == 0.25


def test_cpu_time_is_counted_while_training_only(clock: TrainingClock, cpu: ScriptedTime, wall: ScriptedTime) -> None:
    for phase in PHASES:
        with clock.charge(phase):
            cpu.now_s += 4.0
            wall.now_s += 2.0
    assert clock.cpu_train_s == 4.0


def test_a_block_that_raises_is_charged_too(clock: TrainingClock, wall: ScriptedTime) -> None:
    def fail_after_two_seconds() -> None:
        with clock.charge("train"):
            wall.now_s += 2.0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_two_seconds()
    assert clock.spent_s == 2.0


def test_the_fraction_stops_at_one(clock: TrainingClock, wall: ScriptedTime) -> None:
    with clock.charge("train"):
        wall.now_s += 11.0
    assert clock.fraction == 1.0
    assert clock.spent_s == 11.0


def test_two_clocks_share_nothing() -> None:
    first, second = TrainingClock(1.0), TrainingClock(1.0)
    with first.charge("train"):
        pass
    assert first.spent_s > 0.0
    assert second.spent_s == 0.0

"""Where an axis ends, and the round numbers along it."""

from bardtune.studies.plots.ticks import round_decades, round_steps, usual_range


def test_marks_are_round_numbers_inside_the_range() -> None:
    assert round_steps(32, 192) == [50, 100, 150]
    assert round_steps(0, 5, whole=True) == [0, 1, 2, 3, 4, 5]
    assert round_steps(1, 3, whole=True) == [1, 2, 3]
    assert round_steps(7, 7) == [7]
    assert round_decades(10, 10_000) == [10, 30, 100, 300, 1000, 3000, 10_000]
    assert round_decades(2, 32, whole=True) == [2, 4, 8, 16, 32]


def test_an_axis_is_never_empty_and_not_squeezed_by_one_value() -> None:
    low, high = usual_range([2.0], [2.0])
    assert low < 2.0 < high
    assert usual_range([2.0, 2.1, 2.2, 2.3, 9.0], [2.0, 2.1, 2.2, 2.3, 9.0])[1] < 4

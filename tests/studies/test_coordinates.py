"""Trials as points."""

from dataclasses import replace

from bardtune.studies.surrogate.coordinates import coordinates
from support.study_records import PARAMETERS


def test_a_point_is_a_number_between_0_and_1_for_each_parameter_and_a_column_for_each_choice() -> None:
    found = coordinates(PARAMETERS, [{"d_model": 32, "d_ff": 768, "batch_size": 8}, {"d_model": 192, "batch_size": 4}])
    assert found.shape == (2, 6 + 4)
    assert list(found[:, 0]) == [0.0, 1.0]
    assert list(found[:, 2]) == [1.0, 0.5]  # the second has none
    assert ((found >= 0) & (found <= 1)).all()


def test_two_choices_are_as_far_apart_as_the_ends_of_a_number() -> None:
    four, eight = coordinates(PARAMETERS[3:4], [{"batch_size": 4}, {"batch_size": 8}])
    assert abs(float(((four - eight) ** 2).sum()) - 1) < 1e-12


def test_a_conditional_parameter_has_a_column_that_says_whether_it_is_set() -> None:
    theta = replace(PARAMETERS[5], conditional=True)
    middle = (theta.low * theta.high) ** 0.5  # type: ignore[operator]
    found = coordinates([theta], [{"rope_theta": middle}, {}])
    assert [[round(value, 12) for value in row] for row in found.tolist()] == [[0.5, 1.0], [0.5, 0.0]]

"""Numbers as people write them."""

from typing import Any

import pytest

from bardtune.studies.analysis.numbers import number_text, number_texts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (128, "128"), (3e-3, "3e-3"), (0.0043, "0.0043"), (0.00043, "4.3e-4"), (0.1, "0.1"), (2.5, "2.5"),
        (10000.0, "10000"), (1e6, "1e6"), (0, "0"), (True, "True"), ("rope", "rope"),
        (123.456, "123"), (-0.5, "-0.5"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_people_do(value: Any, text: str) -> None:
    assert number_text(value) == text


def test_the_marks_of_one_axis_are_written_alike() -> None:
    assert number_texts([0.001, 0.01, 0.1, 1.0]) == ["1e-3", "1e-2", "0.1", "1"]
    assert number_texts([0.01, 0.05]) == ["0.01", "0.05"]

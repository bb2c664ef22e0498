"""Of a path only its last part is told, whatever system it is of."""

import pytest

from bardtune.data.paths import short_name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("shakespeare", "shakespeare"),
        ("/home/somebody/plays.txt", "plays.txt"),
        ("/home/somebody/plays/", "plays"),
        ("C:\\Users\\somebody\\plays.txt", "plays.txt"),
        ("C:/Users/somebody\\mine/plays.txt", "plays.txt"),
        ("\\\\server\\share\\plays.txt", "plays.txt"),
        ("/home/somebody/a \\ b.txt", "a \\ b.txt"),  # a letter like any other
        ("/", ""),
    ],
)
def test_the_last_part_is_all_that_is_kept(path: str, name: str) -> None:
    assert short_name(path) == name

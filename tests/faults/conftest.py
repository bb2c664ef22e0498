"""Places for the fault tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from at_hand import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place.at(tmp_path)
    yield place
    place.end_all()

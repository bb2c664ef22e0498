"""Places for the fault tests."""

from pathlib import Path

import pytest
from at_hand import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.at(tmp_path)

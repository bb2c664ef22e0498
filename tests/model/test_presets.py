"""Named starting points."""

import pytest

from bardtune.model.presets import PRESETS, preset
from bardtune.model.settings import SettingsError


def test_a_preset_takes_changes() -> None:
    settings = preset("reference", budget_s=9.0, seed=4, d_ff=192, rope_theta=50.0)
    assert (settings.d_model, settings.d_ff, settings.rope_theta) == (80, 192, 50.0)
    assert (settings.budget_s, settings.seed) == (9.0, 4)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=f"choose one of {', '.join(PRESETS)}"):
        preset("modernist", budget_s=1.0, seed=0)

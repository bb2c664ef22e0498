"""Named starting points, and the table of what can be set."""

import pytest
from bardtune.model.presets import PRESETS, preset, settings_table
from bardtune.model.settings import SETTING_NAMES, SettingsError


def test_a_preset_takes_changes() -> None:
    settings = preset("reference", budget_s=9.0, seed=4, d_ff=192, rope_theta=50.0)
    assert (settings.d_model, settings.d_ff, settings.rope_theta) == (80, 192, 50.0)
    assert (settings.budget_s, settings.seed) == (9.0, 4)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=f"choose one of {', '.join(PRESETS)}"):
        preset("modernist", budget_s=1.0, seed=0)


def test_the_table_of_settings_tells_what_each_may_be_its_value_in_each_preset_and_what_it_means() -> None:
    head, rule, *rows = settings_table().splitlines()
    assert (head, rule) == (
        "| setting | may be | `reference` | `modern` | meaning |",
        "| --- | --- | --- | --- | --- |",
    )
    assert [row.split("`")[1] for row in rows] == [name for name in SETTING_NAMES if name not in ("budget_s", "seed")]
    assert "| `d_model` | 2 to 1024 | 80 | 64 | channels per position, C |" in rows
    assert "| `biases` | true, false | true | false | linear maps and norms of the blocks have biases |" in rows

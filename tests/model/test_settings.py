"""Settings refuse at birth what cannot work, and say what would."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, fields
from typing import Any, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bardtune.data.errors import UserError
from bardtune.model.presets import PRESETS, preset
from bardtune.model.settings import (
    SETTING_NAMES,
    SETTINGS,
    SettingsError,
    TrialSettings,
    check_setting_name,
    settings_from,
)
from support.options import CHOICES, NUMBERS, SWITCHES

MakeSettings = Callable[..., TrialSettings]
WHOLE = [name for name, number in NUMBERS.items() if number.whole]


def refusal(tiny_settings: MakeSettings, **changes: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        tiny_settings(**changes)
    return str(refused.value)


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_what_a_setting_may_be_is_of_its_type_and_holds_its_default(name: str) -> None:
    field = next(field for field in fields(TrialSettings) if field.name == name)
    expected = (int if name in WHOLE else float) if name in NUMBERS else str if name in CHOICES else bool
    assert get_args(field.type) == (expected, SETTINGS[name])
    if field.default is not MISSING:
        SETTINGS[name].check(name, field.default)


def test_every_choice_is_implemented_and_every_implementation_can_be_chosen() -> None:
    from bardtune.model.network.layers import ACTIVATIONS, NORMS
    from bardtune.model.network.positions import POSITIONS
    from bardtune.model.precision import PRECISIONS
    from bardtune.model.training.optimizers import MATRIX_OPTIMIZERS
    from bardtune.model.training.schedules import SCHEDULES

    tables = {
        "activation": ACTIVATIONS,
        "norm": NORMS,
        "optimizer": MATRIX_OPTIMIZERS,
        "position": POSITIONS,
        "precision": PRECISIONS,
        "schedule": SCHEDULES,
    }
    assert {name: sorted(table) for name, table in tables.items()} == {
        name: sorted(choices) for name, choices in CHOICES.items()
    }


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_out_of_range_is_refused_with_the_range(name: str, tiny_settings: MakeSettings) -> None:
    lowest, highest = NUMBERS[name].low, NUMBERS[name].high
    step = 1 if name in WHOLE else 1e-9 * max(1.0, highest)
    for value in (lowest - step, highest + step):
        assert f"{name} is {value}; give a value from {lowest:.10g} to {highest:.10g}." in refusal(
            tiny_settings, **{name: value}
        )


@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in ("d_model", "n_heads")])
def test_both_ends_of_a_range_are_allowed(name: str, tiny_settings: MakeSettings) -> None:
    for value in (NUMBERS[name].low, NUMBERS[name].high):
        assert getattr(tiny_settings(**{name: value}), name) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, None, "1", 10**400, [1]])
@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_no_finite_number_is_refused(name: str, value: object, tiny_settings: MakeSettings) -> None:
    assert refusal(tiny_settings, **{name: value}).startswith(f"{name} is ")


@pytest.mark.parametrize("name", WHOLE)
def test_a_fraction_is_no_count(name: str, tiny_settings: MakeSettings) -> None:
    assert "give a whole number from" in refusal(tiny_settings, **{name: 2.0})


@pytest.mark.parametrize("value", ["nothing like it", "", None, 3, True, ["rope"]])
@pytest.mark.parametrize("name", CHOICES)
def test_an_unknown_choice_is_refused_with_the_known_ones(
    name: str, value: object, tiny_settings: MakeSettings
) -> None:
    assert refusal(tiny_settings, **{name: value}) == (
        f"{name} {value!r} is unknown; choose one of {', '.join(CHOICES[name])}."
    )


@pytest.mark.parametrize("value", [0, 1, "true", None])
@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_true_or_false_and_nothing_else(name: str, value: object, tiny_settings: MakeSettings) -> None:
    assert refusal(tiny_settings, **{name: value}) == f"{name} is {value!r}; give true or false."


@given(
    d_model=st.integers(int(NUMBERS["d_model"].low), int(NUMBERS["d_model"].high)),
    n_heads=st.integers(int(NUMBERS["n_heads"].low), int(NUMBERS["n_heads"].high)),
    position=st.sampled_from(CHOICES["position"]),
)
def test_a_d_model_that_the_heads_cannot_share_is_refused_with_one_that_they_can(
    d_model: int, n_heads: int, position: str, tiny_settings: MakeSettings
) -> None:
    fits = d_model % n_heads == 0 and (position != "rope" or d_model // n_heads % 2 == 0)
    assume(not fits)
    sentence = refusal(tiny_settings, d_model=d_model, n_heads=n_heads, position=position)
    advice = re.search(r"try d_model (\d+)\.$", sentence)
    assert advice is not None, sentence
    tiny_settings(d_model=int(advice[1]), n_heads=n_heads, position=position)


@given(heads=st.integers(1, 64), head_dim=st.integers(1, 16), position=st.sampled_from(CHOICES["position"]))
def test_heads_that_fit_are_allowed(heads: int, head_dim: int, position: str, tiny_settings: MakeSettings) -> None:
    head_dim *= 2 if position == "rope" else 1
    assume(2 <= heads * head_dim <= 1024)
    tiny_settings(d_model=heads * head_dim, n_heads=heads, position=position)


def test_a_misspelt_setting_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(SettingsError, match="unknown setting 'learning_rat'; did you mean 'learning_rate'"):
        check_setting_name("learning_rat")


def test_a_setting_like_no_other_is_answered_with_all_names() -> None:
    with pytest.raises(SettingsError, match=f"known: {', '.join(SETTING_NAMES)}"):
        check_setting_name("zzz")


def test_settings_from_plain_values_refuses_an_unknown_name(tiny_settings: MakeSettings) -> None:
    with pytest.raises(SettingsError, match="did you mean 'n_layers'"):
        settings_from({**tiny_settings().as_dict(), "n_layer": 2})


@pytest.mark.parametrize("name", [field.name for field in fields(TrialSettings) if field.default is MISSING])
def test_settings_from_plain_values_names_what_is_missing(name: str, tiny_settings: MakeSettings) -> None:
    values = tiny_settings().as_dict()
    del values[name]
    with pytest.raises(SettingsError, match=f"these settings are missing: {name}"):
        settings_from(values)


@pytest.mark.parametrize("stored", [{"attention": "sdpa"}, {"attention": "explicit", "attention_window": 64}])
def test_stored_settings_of_an_older_study_are_read_where_what_is_gone_had_no_effect(
    stored: dict[str, Any], tiny_settings: MakeSettings
) -> None:
    now = {**tiny_settings().as_dict(), **stored}
    del now["attention"]
    assert settings_from({**tiny_settings().as_dict(), **stored}) == settings_from(now)


def test_stored_settings_that_would_train_otherwise_now_are_refused(tiny_settings: MakeSettings) -> None:
    with pytest.raises(SettingsError, match=r"attention is gone, and 'explicit' .* use the bardtune that stored"):
        settings_from({**tiny_settings().as_dict(), "attention": "explicit"})
    with pytest.raises(SettingsError, match="position 'none' is unknown; choose one of rope, learned, alibi"):
        settings_from({**tiny_settings().as_dict(), "position": "none"})


@pytest.mark.parametrize("name", PRESETS)
def test_settings_survive_a_round_trip_through_json(name: str) -> None:
    settings = preset(name, budget_s=1.5, seed=3, weight_decay=0.1 + 0.2)
    assert settings_from(json.loads(json.dumps(settings.as_dict()))) == settings


def test_settings_cannot_be_changed_after_birth(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings()
    with pytest.raises(FrozenInstanceError):
        settings.d_model = 32  # type: ignore[misc]


def test_the_command_line_may_show_a_settings_error_to_the_user() -> None:
    assert issubclass(SettingsError, UserError)

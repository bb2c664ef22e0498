"""Search spaces: TOML in, valid settings out."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution

from bardtune.data.errors import UserError
from bardtune.model.presets import PRESETS
from bardtune.model.settings import DEFAULTS, SettingsError
from bardtune.search.sampling.space import SpaceError, nearest, space_from, stored_space
from bardtune.search.sampling.space_file import load_space
from bardtune.search.sampling.spaces.registry import space_names, space_rows
from bardtune.studies.plan import StudyPlan
from support.paths import ROOT

SEVEN = ["d_model", "n_layers", "d_ff", "batch_size", "learning_rate", "rope_theta", "history_depth"]


def draw(space, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and settings of one random trial."""
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()
    settings = space.suggest_settings(trial, budget_s=1.0, seed=7)
    return trial.params, settings.as_dict()


def refused(text: str, tmp_path: Path) -> str:
    path = tmp_path / "space.toml"
    path.write_text(text)
    with pytest.raises(UserError) as problem:
        load_space(str(path))
    return str(problem.value)


@pytest.mark.parametrize("name", ["seven", "reference"])
def test_the_seven_parameters_of_the_card_are_searched(name: str) -> None:
    assert [dimension.name for dimension in load_space(name).dimensions] == SEVEN


@pytest.mark.parametrize("name", space_names())
@given(seed=st.integers(0, 2**31))
@limits(max_examples=30, deadline=None)
def test_every_draw_of_a_built_in_space_can_be_trained(name: str, seed: int) -> None:
    params, settings = draw(load_space(name), seed)
    assert params.items() <= settings.items()


@pytest.mark.parametrize("name", space_names())
def test_the_best_known_point_lies_in_its_space_and_is_drawn_as_it_is(name: str) -> None:
    space = load_space(name)
    study = optuna.create_study()
    study.enqueue_trial(space.best_known)
    trial = study.ask()
    space.suggest_settings(trial, budget_s=1.0, seed=0)
    assert trial.params == space.best_known
    for key, distribution in trial.distributions.items():
        assert distribution._contains(distribution.to_internal_repr(trial.params[key]))


def test_the_reference_space_starts_from_the_reference_recipe() -> None:
    known = load_space("reference").best_known
    assert (known["d_model"], known["n_layers"], known["d_ff"], known["history_depth"]) == (80, 3, 256, 3)


def test_the_wide_space_searches_ten_to_fourteen_numbers_around_the_preset() -> None:
    dimensions = load_space("wide").dimensions
    assert set(SEVEN) < {dimension.name for dimension in dimensions}
    assert 10 <= len(dimensions) <= 14
    for dimension in dimensions:
        of, known = dimension.distribution, PRESETS["modern"].get(dimension.name, DEFAULTS.get(dimension.name))
        assert not isinstance(of, CategoricalDistribution)
        assert of.low <= known <= of.high


def test_a_conditional_parameter_is_drawn_only_where_it_applies() -> None:
    position = {"type": "categorical", "choices": ["rope", "learned", "alibi"]}
    theta = {"type": "float", "low": 10.0, "high": 1000.0, "condition": {"position": "rope"}}
    space = space_from({"parameters": {"position": position, "rope_theta": theta}})
    for seed in range(40):
        params, settings = draw(space, seed)
        assert ("rope_theta" in params) == (settings["position"] == "rope")


def test_budget_and_seed_are_the_plans() -> None:
    _, settings = draw(load_space("seven"), 0)
    assert (settings["budget_s"], settings["seed"]) == (1.0, 7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("preset = 'modren'\n[parameters.d_ff]\ntype='int'\nlow=1\nhigh=9", "unknown preset 'modren'"),
        ("[parameters.d_modle]\ntype='int'\nlow=16\nhigh=32", "did you mean 'd_model'"),
        ("[parameters.d_ff]\ntype='int'\nlow=16\nhihg=32", "did you mean 'high'"),
        ("[parameters.d_ff]\ntype='int'\nlow=16", "lacks 'high'"),
        ("[parameters.d_ff]\ntype='whole'\nlow=16\nhigh=32", "int, float or categorical"),
        ("[parameters.d_ff]\ntype='int'\nlow=64\nhigh=32", "parameters.d_ff"),
        ("[parameters.norm]\ntype='categorical'\nchoices=[]", "at least one"),
        ("[parameters.budget_s]\ntype='float'\nlow=1\nhigh=2", "unknown setting 'budget_s'"),
        ("[params.d_ff]\ntype='int'\nlow=1\nhigh=2", "did you mean 'parameters'"),
        ("", "nothing to search"),
        ("this is not TOML", "is not TOML"),
        ("[parameters.d_model]\ntype='int'\nlow=33\nhigh=65\nstep=1", "try d_model"),
        (
            "[fixed]\nn_heads=3\n[parameters.d_model]\ntype='int'\nlow=32\nhigh=128\nstep=32",
            "cannot be shared by n_heads 3",
        ),
        ("[fixed]\nnorm='batchnorm'\n[parameters.d_ff]\ntype='int'\nlow=16\nhigh=32", "layernorm, rmsnorm"),
        ("fixed = 3\n[parameters.d_ff]\ntype='int'\nlow=16\nhigh=32", "should be a table"),
        ("parameters = 3", "nothing to search"),
        ("[parameters]\nd_ff = 3", "should be a table"),
        ("[parameters.d_ff]\ntype='int'\nlow='a'\nhigh=32", "parameters.d_ff"),
        ("[best_known]\nd_ff=99\n[parameters.d_ff]\ntype='int'\nlow=16\nhigh=32", "is never drawn"),
        ("[best_known]\nd_ff='a'\n[parameters.d_ff]\ntype='int'\nlow=16\nhigh=32", "d_ff is 'a'"),
        ("preset=['modern']\n[parameters.d_ff]\ntype='int'\nlow=16\nhigh=32", "unknown preset"),
        ("[parameters.d_ff]\ntype='int'\nlow=16\nhigh=inf", "parameters.d_ff"),
        (
            "[parameters.rope_theta]\ntype='float'\nlow=1\nhigh=9\ncondition={position='rope'}\n"
            "[parameters.position]\ntype='categorical'\nchoices=['rope', 'alibi']",
            "write parameters.position first",
        ),
        (
            "[parameters.rope_theta]\ntype='float'\nlow=1\nhigh=9\ncondition={position='roap'}",
            "which is never drawn",
        ),
        ("[parameters.position]\ntype='categorical'\nchoices=['rope', 'none']", "one of rope, learned, alibi"),
        ("[parameters.d_ff]\ntype='int'\nlow=16\nhigh=10000", "d_ff is 10000; give a value from 1 to 8192"),
        ("[best_known]\nd_fff=3\n[parameters.d_ff]\ntype='int'\nlow=16\nhigh=32", "did you mean 'd_ff'"),
    ],
)
def test_a_space_that_cannot_be_searched_is_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    message = refused(text, tmp_path)
    assert said in message
    assert "\n" not in message


def test_a_space_file_that_is_not_there_is_refused_with_the_built_in_ones() -> None:
    with pytest.raises(UserError, match=f"one of {', '.join(space_names())}"):
        load_space("nowhere.toml")


def test_a_file_in_the_folder_of_spaces_is_a_space_and_its_first_line_says_which() -> None:
    folder = ROOT / "search" / "sampling" / "spaces"
    assert sorted(space_names()) == sorted(path.stem for path in folder.glob("*.toml"))
    assert space_names()[0] == StudyPlan().space
    for name, summary in space_rows():
        assert (folder / f"{name}.toml").read_text().startswith(f"# {summary}\n")
        assert summary.endswith("."), name


def test_a_stored_space_that_this_version_cannot_draw_from_is_refused_with_the_way_out() -> None:
    position = {"type": "categorical", "choices": ["rope", "none"]}
    with pytest.raises(
        SpaceError, match=r"the study 's' cannot go on: .* 'none' is unknown.*; resume it with the version"
    ):
        stored_space("s", {"parameters": {"position": position}})


def test_a_draw_that_cannot_work_raises_settings_error() -> None:
    space = space_from({"parameters": {"d_model": {"type": "int", "low": 33, "high": 33}}})
    with pytest.raises(SettingsError):
        draw(space, 0)


def test_a_value_at_the_end_of_a_grid_is_in_it() -> None:
    grid = FloatDistribution(0.0, 0.3, step=0.1)
    assert nearest(grid, 0.3) == 0.3  # and not 0.1 + 0.1 + 0.1
    assert nearest(grid, 7.0) == 0.3

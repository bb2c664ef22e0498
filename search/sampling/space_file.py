"""Search spaces as people write them: TOML, which must say exactly what is meant before anything is searched by it."""

import math
from collections.abc import Mapping
from random import Random
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from bardtune.data.errors import UserError
from bardtune.data.paths import user_path
from bardtune.data.toml_files import parse_toml, read_toml
from bardtune.model.settings import settings_from
from bardtune.search.sampling.space import Dimension, SearchSpace, SpaceError, space_from
from bardtune.search.sampling.spaces.registry import space_names, space_text

NUM_CHECK_DRAWS = 200
OFF_GRID = 1e-6  # steps
MOST = 1e15  # that a number may be
_KEYS: dict[str, dict[str, type]] = {  # of a parameter's table, beside type and condition, and what each must be
    "int": {"low": int, "high": int, "step": int, "log": bool},
    "float": {"low": float, "high": float, "step": float, "log": bool},
    "categorical": {"choices": list},
}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", list: "a list such as [16, 32]"}


def load_space(name_or_path: str) -> SearchSpace:
    """Read a built-in space by its name, or a TOML file.

    Raises:
        UserError: not there, not TOML, what is said in it means nothing or cannot be drawn, or a draw that no trial
            could train with.
    """
    if name_or_path in space_names():
        source = parse_toml(space_text(name_or_path))
    else:
        way_out = f"give a TOML file as docs/search-spaces.md describes it, or one of {', '.join(space_names())}"
        source = read_toml(user_path(name_or_path, "the space"), "the space", way_out=way_out)
    try:
        _check_tables(source.get("parameters"))
        space = space_from(source)
        _check_meaning(space)
        check_draws(space)
    except UserError as problem:
        raise SpaceError(f"space {name_or_path}: {problem}") from problem
    return space


def check_draws(space: SearchSpace) -> None:
    """Try the best known point, both ends and many random draws; raises SettingsError for the first bad one."""
    rng = Random(0)
    settings_from({**space.fixed, **space.best_known, "budget_s": 1.0, "seed": 0})
    for index in range(NUM_CHECK_DRAWS):
        values = dict(space.fixed)
        for dimension in space.dimensions:
            if dimension.applies(values):
                values[dimension.name] = _draw(dimension.distribution, rng, end=index if index < 2 else None)
        settings_from({**values, "budget_s": 1.0, "seed": 0})


def _check_tables(parameters: object) -> None:
    """Whether each value is of the kind that its key has; what is missing or unknown is said elsewhere."""
    for name, table in parameters.items() if isinstance(parameters, dict) else ():
        if not isinstance(table, dict) or not isinstance(table.get("type"), str) or table["type"] not in _KEYS:
            continue
        keys = _KEYS[table["type"]]
        for key, value in table.items():
            if key in keys and not _is_of(value, keys[key]):
                raise SpaceError(f"parameters.{name}: {key} is {value!r}; give {_KINDS[keys[key]]}.")
            if key not in keys and any(key in others for others in _KEYS.values()):
                raise SpaceError(f"parameters.{name}: {key} means nothing for the type {table['type']}; leave it out.")
        if not table.get("step", 1) > 0:
            raise SpaceError(f"parameters.{name}: step is {table['step']}; give one above 0.")
        _check_high(name, table)
        _check_choices(name, table.get("choices", []))


def _check_choices(name: str, choices: list[Any]) -> None:
    for place, choice in enumerate(choices):
        if not _is_of(choice, bool) and not isinstance(choice, str) and not _is_of(choice, float):
            raise SpaceError(f"parameters.{name}: the choice {choice!r} is no number, text, true or false; give those.")
        if any(_same(choice, other) for other in choices[:place]):
            raise SpaceError(f"parameters.{name}: the choice {choice!r} is there twice; leave one out.")


def _is_of(value: object, kind: type) -> bool:
    if kind in (int, float):
        kinds = (int, float) if kind is float else int
        return isinstance(value, kinds) and not isinstance(value, bool) and -MOST < value < MOST  # NaN is not between
    return isinstance(value, kind)


def _check_meaning(space: SearchSpace) -> None:
    """What a space that can be built says in vain, or without saying it."""
    by_name = {dimension.name: dimension for dimension in space.dimensions}
    for dimension in space.dimensions:
        if dimension.name in space.source.get("fixed", {}) and not dimension.condition:
            raise SpaceError(f"{dimension.name} is fixed and searched; keep one of fixed and parameters.")
        if not _can_hold(list(dimension.condition.items()), {}, by_name, space.fixed):
            wanted = " and ".join(f"{name} = {value!r}" for name, value in dimension.condition.items())
            raise SpaceError(f"parameters.{dimension.name} wants {wanted}, which no draw has; change its condition.")
    _check_best_known(space, by_name)


def _check_high(name: str, table: Mapping[str, Any]) -> None:
    """Optuna would lower, in silence, a high end that no step reaches."""
    if not {"low", "high", "step"} <= set(table) or table["high"] < table["low"]:
        return
    low, high, step = table["low"], table["high"], table["step"]
    steps = (high - low) / step
    if abs(steps - round(steps)) > OFF_GRID:
        below = low + math.floor(steps) * step
        raise SpaceError(
            f"parameters.{name}: no step of {step:g} from {low:g} reaches high = {high:g}; give {below:g} or "
            f"{below + step:g}."
        )


def _check_best_known(space: SearchSpace, by_name: Mapping[str, Dimension]) -> None:
    best_known = space.source.get("best_known", {})
    known = {**space.fixed, **best_known}
    for name, value in best_known.items():
        if name not in by_name:
            raise SpaceError(f"best_known.{name} is not searched; put it into [fixed] or [parameters.{name}].")
        if not is_drawn(by_name[name].distribution, value):
            raise SpaceError(f"best_known.{name} = {value!r} is never drawn; give a value of its grid and kind.")
        if not by_name[name].applies(known):
            raise SpaceError(f"best_known.{name} is given where its own condition does not hold; leave it out.")


def _can_hold(
    wanted: list[tuple[str, Any]], so_far: dict[str, Any], by_name: Mapping[str, Dimension], fixed: dict[str, Any]
) -> bool:
    """Whether some draw has all the values that are wanted, beside those that it has so far."""
    if not wanted:
        return True
    (name, value), *others = wanted
    if name in so_far:
        return _same(so_far[name], value) and _can_hold(others, so_far, by_name, fixed)
    then = {**so_far, name: value}
    dimension = by_name.get(name)
    if dimension is not None and _is_met(dimension.distribution, value):
        needed = [*others, *dimension.condition.items()]
        if _can_hold(needed, then, by_name, fixed):
            return True
    may_be_fixed = dimension is None or bool(dimension.condition)
    return may_be_fixed and _same(fixed[name], value) and _can_hold(others, then, by_name, fixed)


def _is_met(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a condition on ``value`` is ever met: a range without steps has no number twice."""
    has_no_grid = isinstance(distribution, FloatDistribution) and not distribution.step and not distribution.single()
    return not has_no_grid and is_drawn(distribution, value)


def is_drawn(distribution: BaseDistribution, value: Any) -> bool:
    """Whether ``value`` may be drawn as it is: of the right kind, in range and on the grid."""
    if isinstance(distribution, CategoricalDistribution):
        return any(_same(choice, value) for choice in distribution.choices)
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    if not _is_of(value, int if isinstance(distribution, IntDistribution) else float):
        return False
    if not distribution.low <= value <= distribution.high:
        return False
    if not distribution.step:
        return True
    steps = (value - distribution.low) / distribution.step
    return bool(abs(steps - round(steps)) < OFF_GRID)


def _same(one: Any, other: Any) -> bool:
    """Equal, and of one kind: 1 is not true."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _draw(distribution: BaseDistribution, rng: Random, *, end: int | None) -> Any:
    """A random value, or the lowest (end 0) or highest (end 1)."""
    if isinstance(distribution, CategoricalDistribution):
        return rng.choice(distribution.choices) if end is None else distribution.choices[-end]
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    if end is not None:
        return (distribution.low, distribution.high)[end]
    if isinstance(distribution, IntDistribution):
        return rng.randrange(distribution.low, distribution.high + 1, distribution.step)
    return rng.uniform(distribution.low, distribution.high)

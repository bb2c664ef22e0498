"""Search spaces: parsed TOML in, settings out. The only module that calls ``suggest_*``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from bardtune.data.errors import UserError
from bardtune.model.presets import PRESETS
from bardtune.model.settings import SETTING_NAMES, SETTINGS, SettingsError, TrialSettings, settings_from
from bardtune.studies.records import Parameter
from bardtune.studies.store.reading import parameter_of

_TOP_KEYS = ("preset", "fixed", "best_known", "parameters")
_PARAMETER_KEYS = ("type", "low", "high", "step", "log", "choices", "condition")
_NOT_SEARCHED = ("budget_s", "seed")  # the plan's
_SEARCHED = tuple(name for name in SETTING_NAMES if name not in _NOT_SEARCHED)


class SpaceError(UserError):
    """A search space that cannot be searched."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dimension:
    """One parameter of a space."""

    name: str
    distribution: BaseDistribution
    condition: dict[str, Any]  # drawn only when all of these settings have these values

    def applies(self, values: Mapping[str, Any]) -> bool:
        return all(values.get(name) == required for name, required in self.condition.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchSpace:
    """Which settings are searched and what the others are.

    ``source`` is the parsed TOML: what is stored with a study and read back by ``space_from``.
    """

    source: dict[str, Any]
    fixed: dict[str, Any]  # preset and fixed values: a full set of settings but budget and seed
    dimensions: tuple[Dimension, ...]

    @property
    def best_known(self) -> dict[str, Any]:
        """The first trial's parameters: the space's own best known point over the preset's values."""
        known = {**self.fixed, **self.source.get("best_known", {})}
        return {
            dimension.name: nearest(dimension.distribution, known[dimension.name])
            for dimension in self.dimensions
            if dimension.applies(known)
        }

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The dimensions as readers of a study see them, also those that no trial has drawn yet."""
        return tuple(
            parameter_of(dimension.name, dimension.distribution, conditional=bool(dimension.condition))
            for dimension in self.dimensions
        )

    def suggest(self, optuna_trial: Trial) -> dict[str, Any]:
        """Draw a trial's parameters: a full set of settings but budget and seed."""
        values = dict(self.fixed)
        for dimension in self.dimensions:
            if dimension.applies(values):
                values[dimension.name] = _suggest(optuna_trial, dimension)
        return values

    def suggest_settings(self, optuna_trial: Trial, *, budget_s: float, seed: int) -> TrialSettings:
        """Draw a trial's settings; raises SettingsError for a draw that cannot work."""
        return settings_from({**self.suggest(optuna_trial), "budget_s": budget_s, "seed": seed})


def stored_space(study: str, source: dict[str, Any]) -> SearchSpace:
    """The space that a study has stored; another version of bardtune may have made it with what this one has not."""
    try:
        return space_from(source)
    except (SpaceError, SettingsError) as problem:
        raise SpaceError(
            f"the study {study!r} cannot go on: in its space, {str(problem).rstrip('.')}; "
            "resume it with the version that made it, or start a new study."
        ) from problem


def space_from(source: dict[str, Any]) -> SearchSpace:
    """Build a space from parsed TOML; SpaceError or SettingsError says what is wrong with it."""
    _check_keys("key", source, _TOP_KEYS)
    preset = source.get("preset", "modern")
    if not isinstance(preset, str) or preset not in PRESETS:
        raise SpaceError(f"unknown preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    fixed, parameters = source.get("fixed", {}), source.get("parameters", {})
    if not isinstance(parameters, dict) or not parameters:
        raise SpaceError(
            "no [parameters.NAME] table, so there is nothing to search; add one, such as [parameters.d_model]."
        )
    for table in (fixed, parameters, source.get("best_known", {})):
        _check_keys("setting", table, _SEARCHED)
    defaults = settings_from({**PRESETS[preset], **fixed, "budget_s": 1.0, "seed": 0}).as_dict()
    known = {name: value for name, value in defaults.items() if name not in _NOT_SEARCHED}
    dimensions = tuple(_dimension(name, table) for name, table in parameters.items())
    _check_conditions(dimensions, known)
    _check_best_known(source.get("best_known", {}), dimensions, known)
    return SearchSpace(source=source, fixed=known, dimensions=dimensions)


def _check_conditions(dimensions: tuple[Dimension, ...], known: dict[str, Any]) -> None:
    """A condition looks at what is settled when its parameter's turn comes, and at values that there are."""
    settled = {name: CategoricalDistribution([value]) for name, value in known.items()}
    later = {dimension.name for dimension in dimensions}
    for dimension in dimensions:
        for name, required in dimension.condition.items():
            if name in later:
                raise SpaceError(
                    f"parameters.{dimension.name} depends on {name}, drawn after it; write parameters.{name} first."
                )
            if not _may_be_drawn(settled[name], required):
                raise SpaceError(f"parameters.{dimension.name} wants {name} = {required!r}, which is never drawn.")
        later.discard(dimension.name)
        settled[dimension.name] = dimension.distribution  # type: ignore[assignment]


def _check_best_known(best_known: dict[str, Any], dimensions: tuple[Dimension, ...], known: dict[str, Any]) -> None:
    settings_from({**known, **best_known, "budget_s": 1.0, "seed": 0})
    for dimension in dimensions:
        if dimension.name in best_known and not _may_be_drawn(dimension.distribution, best_known[dimension.name]):
            raise SpaceError(
                f"best_known.{dimension.name} = {best_known[dimension.name]!r} is never drawn; give one that is."
            )


def _may_be_drawn(distribution: BaseDistribution, value: Any) -> bool:
    """Whether ``value`` lies among what is drawn; a number may lie between the steps of its grid."""
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    return isinstance(value, (int, float)) and distribution.low <= value <= distribution.high


def _check_keys(kind: str, table: object, known: tuple[str, ...]) -> None:
    if not isinstance(table, dict):
        raise SpaceError(f"{table!r} should be a table of {kind}s; write [parameters.NAME], [fixed] and [best_known].")
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}."
            raise SpaceError(f"unknown {kind} {key!r}; {hint}")


def _dimension(name: str, table: dict[str, Any]) -> Dimension:
    _check_keys(f"key of parameters.{name}", table, _PARAMETER_KEYS)
    condition = table.get("condition", {})
    _check_keys("setting", condition, _SEARCHED)
    try:
        distribution = distribution_of(table)
    except KeyError as problem:
        raise SpaceError(
            f"parameters.{name} lacks {problem.args[0]!r}; a number needs type, low and high."
        ) from problem
    except (ValueError, TypeError, OverflowError) as problem:
        raise SpaceError(f"parameters.{name}: {problem}") from problem
    for value in _ends(distribution):
        SETTINGS[name].check(name, value)
    return Dimension(name=name, distribution=distribution, condition=condition)


def _ends(distribution: BaseDistribution) -> tuple[Any, ...]:
    """The lowest and the highest value, or all choices."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    return distribution.low, distribution.high


def distribution_of(table: dict[str, Any]) -> BaseDistribution:
    """What a [parameters.NAME] table says; raises KeyError, ValueError, TypeError or OverflowError if it cannot be."""
    kind = table["type"]
    if kind == "categorical":
        if not table["choices"]:
            raise ValueError("choices is empty; list at least one value.")
        return CategoricalDistribution(table["choices"])
    log = table.get("log", False)
    if kind == "int":
        return IntDistribution(table["low"], table["high"], log=log, step=table.get("step", 1))
    if kind == "float":
        return FloatDistribution(float(table["low"]), float(table["high"]), log=log, step=table.get("step"))
    raise ValueError(f"type {kind!r} is unknown; choose int, float or categorical.")


def _suggest(optuna_trial: Trial, dimension: Dimension) -> Any:
    name, of = dimension.name, dimension.distribution
    if isinstance(of, CategoricalDistribution):
        return optuna_trial.suggest_categorical(name, of.choices)
    if isinstance(of, IntDistribution):
        return optuna_trial.suggest_int(name, of.low, of.high, step=of.step, log=of.log)
    assert isinstance(of, FloatDistribution)
    return optuna_trial.suggest_float(name, of.low, of.high, step=of.step, log=of.log)


def nearest(distribution: BaseDistribution, value: Any) -> Any:
    """``value`` moved into the distribution, so that Optuna draws it as it is."""
    if isinstance(distribution, CategoricalDistribution):
        if value not in distribution.choices:
            return min(distribution.choices, key=lambda choice: _distance(choice, value))
        return value
    assert isinstance(distribution, (IntDistribution, FloatDistribution))
    value = min(max(value, distribution.low), distribution.high)
    if distribution.step:
        value = distribution.low + round((value - distribution.low) / distribution.step) * distribution.step
    return min(value, distribution.high)  # sums of steps are rounded


def _distance(choice: Any, value: Any) -> float:
    numbers = all(isinstance(item, (int, float)) for item in (choice, value))
    return abs(choice - value) if numbers else math.inf

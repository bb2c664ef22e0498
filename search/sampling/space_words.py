"""A search space in words: what each parameter means, and what it is drawn from."""

from collections.abc import Iterator

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from bardtune.model.settings import SETTINGS
from bardtune.search.sampling.space import Dimension, SearchSpace
from bardtune.studies.analysis.numbers import number_text


def space_lines(space: SearchSpace) -> Iterator[str]:
    """What is searched, a line a parameter, and where the search begins."""
    number = len(space.dimensions)
    yield f"{number} parameter{'s' * (number != 1)} over the preset {space.source.get('preset', 'modern')}:"
    width = max(len(dimension.name) for dimension in space.dimensions)
    for dimension in space.dimensions:
        yield f"  {dimension.name:<{width}}  {dimension_text(dimension)}"
        yield f"  {'':<{width}}  ({SETTINGS[dimension.name].meaning})"
    if fixed := space.source.get("fixed", {}):
        yield f"fixed: {_values(fixed)}"
    yield f"the first trial: {_values(space.best_known)}"


def dimension_text(dimension: Dimension) -> str:
    """What a parameter is drawn from, and when."""
    when = " and ".join(f"{name} is {_value(value)}" for name, value in dimension.condition.items())
    return f"{_range_text(dimension.distribution)}{f', only where {when}' if when else ''}"


def _range_text(of: BaseDistribution) -> str:
    if isinstance(of, CategoricalDistribution):
        return f"one of {', '.join(map(_value, of.choices))}"
    assert isinstance(of, (IntDistribution, FloatDistribution))
    ends = f"{_value(of.low)} to {_value(of.high)}"
    if of.single():
        return f"always {_value(of.low)}"
    kind = "a whole number" if isinstance(of, IntDistribution) else "a number"
    if of.log:
        return f"{kind} from {ends}, each doubling as likely as any other"
    is_usual = of.step is None or (isinstance(of, IntDistribution) and of.step == 1)
    steps = "" if is_usual else f" in steps of {_value(of.step)}"
    return f"{kind} from {ends}{steps}, each as likely as any other"


def _values(params: dict[str, object]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in params.items())


def _value(value: object) -> str:
    """As it is written in the file, but with no more digits than a number has."""
    if isinstance(value, bool):
        return str(value).lower()
    text = number_text(value)
    return text if not isinstance(value, float) or float(text) == value else f"{value:.10g}"

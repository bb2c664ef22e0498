"""Trials as points: what the processes over settings measure distances between."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bardtune.studies.records import Parameter


def coordinates(parameters: Sequence[Parameter], drawn: Sequence[dict[str, Any]]) -> np.ndarray:
    """Trials as points, (N, D).

    A number is between 0 and 1, evenly on its own scale; a choice has a column for each of its values. A parameter
    that is drawn under a condition has one column more, which says whether it was; where it was not, it stands in the
    middle.
    """
    columns = []
    for parameter in parameters:
        values = [params.get(parameter.name) for params in drawn]
        if parameter.choices is not None:
            columns += [[float(value == choice) / math.sqrt(2) for value in values] for choice in parameter.choices]
        else:
            columns.append([_place(parameter, value) for value in values])
        if parameter.conditional:
            columns.append([float(parameter.name in params) for params in drawn])
    return np.array(columns, dtype=np.float64).T.reshape(len(drawn), len(columns))


def _place(parameter: Parameter, value: float | None) -> float:
    assert parameter.low is not None and parameter.high is not None
    if value is None or parameter.high == parameter.low:
        return 0.5
    low, high, at = float(parameter.low), float(parameter.high), float(value)
    if parameter.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return (at - low) / (high - low)

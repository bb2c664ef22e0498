"""What crosses a pipe between two of our processes: a message, such as an order or an event, as one JSON line."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from bardtune.search.launch.protocol import Order, RunEvent

T = TypeVar("T")

ORDERS: dict[str, type[Order]] = {kind.__name__: kind for kind in get_args(Order)}
EVENTS: dict[str, type[RunEvent]] = {kind.__name__: kind for kind in get_args(RunEvent)}


def encode(message: Any) -> bytes:
    """A dataclass as one line of JSON, its end included: the fields, and the type's name as ``type``."""
    return json.dumps({"type": type(message).__name__, **asdict(message)}, default=os.fspath).encode() + b"\n"


def decode_order(line: str | bytes) -> Order:
    return decode(line, ORDERS)


def decode_event(line: str | bytes) -> RunEvent:
    return decode(line, EVENTS)


def decode(line: str | bytes, kinds: Mapping[str, type[T]]) -> T:
    """The message in a line, of one of the kinds, which are given by their names."""
    values: dict[str, Any] = json.loads(line)
    kind = kinds[values.pop("type")]
    for field in fields(kind):  # type: ignore[arg-type]
        if field.type is Path:
            values[field.name] = Path(values[field.name])
    return kind(**values)

"""What crosses the pipe to a worker: an order or an event of ``protocol`` as one JSON line, and back."""

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


def encode(message: Order | RunEvent) -> bytes:
    """One line of JSON, its end included: the fields, and the type's name as ``type``."""
    return json.dumps({"type": type(message).__name__, **asdict(message)}, default=os.fspath).encode() + b"\n"


def decode_order(line: str | bytes) -> Order:
    return _decode(line, ORDERS)


def decode_event(line: str | bytes) -> RunEvent:
    return _decode(line, EVENTS)


def _decode(line: str | bytes, kinds: Mapping[str, type[T]]) -> T:
    values: dict[str, Any] = json.loads(line)
    kind = kinds[values.pop("type")]
    for field in fields(kind):  # type: ignore[arg-type]
        if field.type is Path:
            values[field.name] = Path(values[field.name])
    return kind(**values)

"""A world: a search space and real runs over it, in a folder with ``space.toml`` and ``runs.jsonl.gz``.

The parameters may have any names: worlds of other programs are read too. Of a line, ``params.NAME``, ``ending``,
``val_bpb`` and ``curve`` are looked at, as ``bardtune trials --format jsonl`` writes them.
"""

import gzip
import json
import math
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bardtune.data.errors import UserError
from bardtune.model.presets import PRESETS
from bardtune.search.sampling.space import Dimension, SearchSpace, distribution_of
from bardtune.search.sampling.unit_cube import value_at

MIN_FINISHED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class WorldRun:
    """One real run."""

    params: dict[str, Any]
    ending: str  # finished, diverged, crashed
    val_bpb: float | None
    curve: tuple[tuple[int, float], ...]  # percents below 100


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    name: str
    space: SearchSpace
    runs: tuple[WorldRun, ...]

    @property
    def finished(self) -> tuple[WorldRun, ...]:
        return tuple(run for run in self.runs if run.val_bpb is not None)


def read_world(folder: Path) -> World:
    """Read a world.

    Raises:
        UserError: a file is missing or is not what it should be, or fewer runs have finished than can be learned from.
    """
    space = world_space(folder / "space.toml")
    names = {dimension.name for dimension in space.dimensions}
    lines = list(_lines(folder))
    runs = tuple(run for line in lines if (run := _run(line, names)) is not None)
    world = World(name=folder.name, space=space, runs=runs)
    if len(world.finished) < MIN_FINISHED:
        raise UserError(
            f"{folder} holds {len(world.finished)} finished runs with parameters of its space; record at least "
            f"{MIN_FINISHED}."
        )
    return world


def world_space(path: Path) -> SearchSpace:
    """The space of a world, whose parameters need not be settings of ours.

    Without a preset and a [best_known] table, what is known best is the middle of the space.
    """
    try:
        source = tomllib.loads(path.read_text(encoding="utf-8"))
        tables = source["parameters"]
        dimensions = tuple(
            Dimension(name=name, distribution=distribution_of(table), condition=table.get("condition", {}))
            for name, table in tables.items()
        )
    except OSError as problem:
        raise UserError(f"cannot read {path}: {problem.strerror}; a world has its search space there.") from problem
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as problem:
        raise UserError(f"{path} is not a search space: {problem!r}; write [parameters.NAME] tables.") from problem
    fixed = {**PRESETS.get(source.get("preset", ""), {}), **source.get("fixed", {})}
    middle = {each.name: value_at(each.distribution, 0.5) for each in dimensions if each.name not in fixed}
    known = {**middle, **source.get("best_known", {})}
    return SearchSpace(source={**source, "best_known": known}, fixed=fixed, dimensions=dimensions)


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    packed, plain = folder / "runs.jsonl.gz", folder / "runs.jsonl"
    path = packed if packed.exists() else plain
    try:
        text = gzip.decompress(path.read_bytes()) if path is packed else path.read_bytes()
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield _object(json.loads(line), path, number)
    except OSError as problem:
        raise UserError(
            f"cannot read {packed}: {problem.strerror or problem}; write a world's runs there."
        ) from problem
    except (ValueError, EOFError, zlib.error) as problem:
        raise UserError(f"{path} is not lines of JSON: {problem}.") from problem


def _object(line: Any, path: Path, number: int) -> dict[str, Any]:
    if not isinstance(line, dict):
        raise UserError(f"{path}, line {number} is not a JSON object; write a run a line.")
    return line


def _run(line: dict[str, Any], names: set[str]) -> WorldRun | None:
    """A run that finished, or that its settings made fail; None for others, and for runs of other roles."""
    given = {name: value for name in names if (value := line.get(f"params.{name}")) is not None}
    ending, bpb = line.get("ending"), line.get("val_bpb")
    finished = ending == "finished" and isinstance(bpb, (int, float)) and math.isfinite(bpb)
    if not given or not (finished or ending in ("diverged", "crashed")):
        return None
    points = line.get("curve") or []
    curve = tuple((int(percent), float(value)) for percent, value in points if percent < 100 and math.isfinite(value))
    return WorldRun(params=given, ending=str(ending), val_bpb=float(bpb) if finished else None, curve=curve)  # type: ignore[arg-type]

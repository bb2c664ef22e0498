"""Who imports whom: the files of the package, and the sub-rooms that they stand in."""

import ast
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from support.paths import ROOT

ROOMS = ["data", "model", "studies", "search"]  # a room may import itself and any room to its left
PACKAGE = "bardtune"
Graph = dict[str, set[str]]  # module or sub-room: what it imports


def module_files(root: Path = ROOT) -> dict[str, Path]:
    """Every module of the package by its dotted name; a package by its folder's name."""
    files = {
        ".".join((PACKAGE, *file.relative_to(root).with_suffix("").parts)): file
        for room in ROOMS
        for file in sorted((root / room).rglob("*.py"))
    }
    door = {".".join((PACKAGE, file.stem)): file for file in sorted((root / PACKAGE).glob("*.py"))}
    return {name.removesuffix(".__init__"): file for name, file in {**door, **files}.items()}


def import_graph(files: Mapping[str, Path]) -> Graph:
    """Imports between modules, those inside functions too; what only a type checker reads is left out."""
    return {name: set(_imported(name, file, files)) - {name} for name, file in files.items()}


def _imported(name: str, file: Path, files: Mapping[str, Path]) -> Iterator[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    for_checkers = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_checkers:
            continue
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute here"
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from filter(None, (_module_of(target, files) for target in targets))


def _module_of(target: str, files: Mapping[str, Path]) -> str | None:
    """The module that ``target``, a module or a name in one, belongs to; None for other people's."""
    while target and target not in files:
        target = target.rpartition(".")[0]
    return target or None


def sub_room(module: str, files: Mapping[str, Path]) -> str:
    """Where a module stands: its folder, or itself if it lies at the top of its room."""
    parts = module.split(".")
    is_package = files[module].name == "__init__.py"
    folder = parts if is_package else parts[:-1]
    return ".".join(folder) if len(folder) > 2 else module


def sub_room_graph(graph: Graph, files: Mapping[str, Path]) -> Graph:
    """The same arrows between sub-rooms."""
    rooms: Graph = {}
    for module, imported in graph.items():
        here = sub_room(module, files)
        rooms.setdefault(here, set()).update({sub_room(each, files) for each in imported} - {here})
    return rooms


def circle_in(graph: Graph) -> list[str] | None:
    """One circle of ``graph``, if there is any."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as problem:
        circle: list[str] = problem.args[1]
        return circle
    return None


def floors(graph: Graph) -> list[list[str]]:
    """The nodes of a graph without circles, each above all that it imports."""
    sorter, found = TopologicalSorter(graph), []
    sorter.prepare()
    while sorter.is_active():
        found.append(sorted(ready := sorter.get_ready()))
        sorter.done(*ready)
    return found


def as_text() -> str:
    """How many imports there are, the circles, and the sub-rooms floor by floor."""
    files = module_files()
    graphs = {"files": import_graph(files), "sub-rooms": sub_room_graph(import_graph(files), files)}
    lines = [
        f"{len(graph)} {what}, {sum(map(len, graph.values()))} imports, circle: {circle_in(graph) or 'none'}"
        for what, graph in graphs.items()
    ]
    for number, floor in enumerate(floors(graphs["sub-rooms"])):
        lines.append(f"{number:2}  {'  '.join(each.removeprefix(PACKAGE + '.') for each in floor)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_text())

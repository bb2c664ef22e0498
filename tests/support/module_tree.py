"""The tree of modules in CONTRIBUTING.md, made of the first lines of their docstrings."""

import ast
import textwrap
from pathlib import Path

from support.paths import ROOT

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
ROOMS = ("bardtune", "data", "model", "studies", "search")
BEGIN, END = "<!-- module tree -->\n", "<!-- end of the module tree -->\n"
NAME_COLUMNS, COLUMNS = 24, 120


def first_line(file: Path) -> str:
    """What a module says that it is for; empty if it says nothing."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    return (docstring or "").partition("\n")[0].replace("``", "`")


def branch(folder: Path, depth: int = 0) -> list[str]:
    """The lines of a package: itself, its modules, then its packages."""
    packages = sorted(file.parent for file in folder.glob("*/__init__.py"))
    modules = sorted(file for file in folder.glob("*.py") if file.name != "__init__.py")
    lines = [_line(f"{folder.name}/", first_line(folder / "__init__.py"), depth)]
    lines += [_line(file.name, first_line(file), depth + 1) for file in modules]
    return lines + [line for package in packages for line in branch(package, depth + 1)]


def module_tree() -> str:
    """The block that CONTRIBUTING.md holds between its two marks."""
    lines = [line for room in ROOMS for line in branch(ROOT / room)]
    return "\n".join(["", "```text", *lines, "```", "", ""])


def with_tree(text: str) -> str:
    """CONTRIBUTING.md with the tree renewed."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return head + BEGIN + module_tree() + END + tail


def _line(name: str, purpose: str, depth: int) -> str:
    head = f"{'  ' * depth}{name}".ljust(NAME_COLUMNS - 1) + " "
    return textwrap.fill(
        purpose, COLUMNS, initial_indent=head, subsequent_indent=" " * NAME_COLUMNS, break_on_hyphens=False
    )

"""What documents repeat of the code, written by it: the module tree, and a table for each registry.

``python -m support.documents --write`` in tests/ renews them; ``make docs`` calls it.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from typer.main import get_command

from bardtune.model.presets import PRESETS, preset
from bardtune.model.settings import SETTINGS
from bardtune.search.cli.app import COMMANDS, app
from bardtune.search.engine.planning import REGISTRIES
from bardtune.search.sampling.spaces.registry import space_rows
from bardtune.studies.plan import PLAN_DEFAULTS
from bardtune.studies.plots.registry import DEFAULT_KINDS, KINDS
from support.module_tree import CONTRIBUTING, with_tree
from support.paths import ROOT

Table = tuple[Sequence[str], Iterable[Sequence[str]]]  # heads, rows
_MARK = re.compile(r"(<!-- table: ([\w-]+) -->\n\n)(?:\|.*\n)*")


def named(heads: Sequence[str], rows: Iterable[tuple[str, str]], default: str | None = None) -> Table:
    """A name and a sentence in each row."""
    return heads, [(f"`{name}`", text + (" (the default)" if name == default else "")) for name, text in rows]


def command_rows() -> list[tuple[str, str]]:
    """Each command with the first line of its help."""
    commands: Any = get_command(app)
    return [(name, commands.commands[name].help.partition("\n")[0]) for name in COMMANDS]


def plan_rows() -> list[tuple[str, str, str]]:
    """Each field of a plan with its default and what ``start --help`` says of it."""
    commands: Any = get_command(app)
    helps = {option.name: option.help for option in commands.commands["start"].params}
    shown = {"threads": "cores / workers"}
    return [
        (f"`{name}`", shown.get(name, f"`{toml_text(value)}`"), re.sub(r" \[default: .*\]$", "", helps[name]))
        for name, value in PLAN_DEFAULTS.items()
    ]


def toml_text(value: Any) -> str:
    """A value as a file of options has it."""
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def setting_rows() -> list[Sequence[str]]:
    """Each setting of the trainer with what it may be, what the presets have, and what it means."""
    values = [preset(name, budget_s=1.0, seed=0).as_dict() for name in PRESETS]
    of_a_run = ("budget_s", "seed")
    return [
        (f"`{name}`", setting.allowed, *(_value_text(each[name]) for each in values), setting.meaning)
        for name, setting in SETTINGS.items()
        if name not in of_a_run
    ]


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def plot_rows() -> list[tuple[str, str]]:
    """Each kind with what its view says that it shows."""
    views = {kind: import_module(f"bardtune.studies.plots.views.{kind}") for kind in KINDS}
    not_by_itself = {kind: " Drawn when it is asked for." for kind in KINDS if kind not in DEFAULT_KINDS}
    return [(kind, str(views[kind].__doc__).partition("\n")[0] + not_by_itself.get(kind, "")) for kind in KINDS]


TABLES: dict[str, Callable[[], Table]] = {
    "commands": lambda: named(("command", "does"), command_rows()),
    "plan": lambda: (("option", "default", "meaning"), plan_rows()),
    "spaces": lambda: named(("space", "searches"), space_rows(), default=str(PLAN_DEFAULTS["space"])),
    "plots": lambda: named(("kind", "shows"), plot_rows()),
    "settings": lambda: (("setting", "may be", *(f"`{name}`" for name in PRESETS), "meaning"), setting_rows()),
    **{
        f"{registry.noun}s": lambda registry=registry: named(  # type: ignore[misc]
            (registry.noun, "what it does"), registry.rows(), default=registry.default
        )
        for registry in REGISTRIES
    },
}


def table_text(mark: str) -> str:
    """The table in Markdown."""
    heads, rows = TABLES[mark]()
    cells = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def with_tables(text: str) -> str:
    """A document with its tables renewed."""
    return _MARK.sub(lambda found: found[1] + table_text(found[2]), text)


def renewed() -> dict[Path, str]:
    """Each document that repeats something of the code, as it should be."""
    pages = sorted({ROOT / "README.md", *(ROOT / "docs").glob("*.md")})
    found = {page: with_tables(page.read_text(encoding="utf-8")) for page in pages}
    return {**found, CONTRIBUTING: with_tree(CONTRIBUTING.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    for file, text in renewed().items():
        if file.read_text(encoding="utf-8") != text:
            sys.stdout.write(f"{file.relative_to(ROOT)}\n")
            if sys.argv[1:] == ["--write"]:
                file.write_text(text, encoding="utf-8")

"""How commands write what they have found: JSON, tables and files."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bardtune.data.paths import user_path
from bardtune.studies.errors import PlanError
from bardtune.studies.files import write_whole

if TYPE_CHECKING:
    pass


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(table: Table, *, width: int = 200) -> None:
    """As wide as the terminal, or ``width`` columns where there is none."""
    Console(width=None if sys.stdout.isatty() else width, highlight=False).print(table)


def write_out(out: Path, text: str) -> Path:
    """Write the file that --out names, and return its path as it was said.

    Raises:
        UserError: it cannot be written.
    """
    check_out(out)
    write_whole(out.expanduser(), text.encode(), way_out="choose another file with --out")
    return out


def check_out(out: Path) -> None:
    """Refuse a folder."""
    if user_path(out, "the file of --out").is_dir():
        raise PlanError(f"--out {out} is a folder; name a file in it.")

"""What ``bardtune trials`` writes."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bardtune.search.commands.output import warn_in_text, write_out
from bardtune.search.commands.shared import read_only
from bardtune.studies.analysis.table import COLUMNS, CURVE, FAMILIES, NOTE, csv_text, json_lines
from bardtune.studies.errors import PlanError

_WRITERS = {"csv": csv_text, "jsonl": json_lines}


def trials_command(name: str | None, storage: str | None, *, formats: list[str], out: Path | None) -> int:
    """Write a study's runs to ``out``, or to standard output if it is None."""
    if name is None:
        raise PlanError("which study? Write its name, such as: bardtune trials shakes --csv, or see --columns.")
    if len(formats) != 1:
        raise PlanError("choose one of --csv and --jsonl.")
    record = read_only(name, storage)
    text = _WRITERS[formats[0]](record)
    if out is None:
        sys.stdout.write(text)
    else:
        warn_in_text(out, record)
        print(write_out(out, text))
    return 0


def print_columns() -> int:
    """The names of the columns and what they mean."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("column", no_wrap=True)
    table.add_column("meaning")
    for column in COLUMNS:
        table.add_row(column.name, column.meaning)
    for name, meaning in (*FAMILIES, (CURVE.name, f"{CURVE.meaning} (JSON lines only)")):
        table.add_row(name, meaning)
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False)
    console.print(table)
    console.print(NOTE, markup=False, soft_wrap=True)
    return 0

"""What ``bardtune trials`` writes."""

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bardtune.search.commands.output import warn_in_text, write_out
from bardtune.search.commands.shared import quiet_libraries, read_only, storage_url
from bardtune.studies.analysis.table import COLUMNS, CURVE, FAMILIES, NOTE, csv_text, json_line_of_each, json_lines
from bardtune.studies.errors import PlanError
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study

READ_EVERY_S = 1.0
_WRITERS = {"csv": csv_text, "jsonl": json_lines}


def trials_command(name: str | None, storage: str | None, *, formats: list[str], out: Path | None, follow: bool) -> int:
    """Write a study's runs to ``out``, or to standard output if it is None."""
    if name is None:
        raise PlanError("which study? Write its name, such as: bardtune trials shakes --csv, or see --columns.")
    if len(formats) != 1:
        raise PlanError("choose one of --csv and --jsonl.")
    if follow:
        if formats != ["jsonl"] or out is not None:
            raise PlanError("--follow writes JSON lines to standard output; use it with --jsonl, and without --out.")
        return _follow(name, storage)
    record = read_only(name, storage)
    text = _WRITERS[formats[0]](record)
    if out is None:
        sys.stdout.write(text)
    else:
        warn_in_text(out, record)
        print(write_out(out, text))
    return 0


def _follow(name: str, storage: str | None) -> int:
    """A line for each run that has ended, and for each that does, until nobody runs the study any more."""
    told: set[str] = set()
    quiet_libraries()
    opened = ReadOnlyStorage(storage_url(storage))
    try:
        while True:
            record = read_study(opened, name)
            ended = [(run, line) for run, line in json_line_of_each(record) if run.ended is not None]
            for run, line in sorted(ended, key=lambda each: (str(each[0].ended), each[0].run_id)):
                if run.run_id not in told:
                    told.add(run.run_id)
                    sys.stdout.write(line)
            sys.stdout.flush()
            if record.state != "running":
                return 0
            time.sleep(READ_EVERY_S)
    except KeyboardInterrupt:
        return 130


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

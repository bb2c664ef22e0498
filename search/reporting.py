"""What ``bardtune trials`` and ``bardtune report`` do."""

import contextlib
import getpass
import socket
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from data.paths import user_path
from search.commands import quiet_libraries, storage_url
from studies import trial_table
from studies.errors import PlanError
from studies.files import write_whole
from studies.read_only import ReadOnlyStorage
from studies.reading import read_study
from studies.records import StudyRecord

_WRITERS = {"csv": trial_table.csv_text, "jsonl": trial_table.json_lines}


def trials_command(name: str | None, storage: str | None, *, formats: list[str], out: Path | None) -> int:
    """Write a study's runs to ``out``, or to standard output if it is None."""
    if name is None:
        raise PlanError("which study? Write its name, such as: bardtune trials shakes --csv, or see --columns.")
    if len(formats) != 1:
        raise PlanError("choose one of --csv and --jsonl.")
    text = _WRITERS[formats[0]](read_only(name, storage))
    if out is None:
        sys.stdout.write(text)
    else:
        print(write_out(out, text))
    return 0


def print_columns() -> int:
    """The names of the columns and what they mean."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("column", no_wrap=True)
    table.add_column("meaning")
    for column in trial_table.COLUMNS:
        table.add_row(column.name, column.meaning)
    for name, meaning in (*trial_table.FAMILIES, trial_table.CURVE):
        table.add_row(name, meaning)
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(table)
    console.print(trial_table.NOTE, markup=False, soft_wrap=True)
    return 0


def read_only(name: str, storage: str | None) -> StudyRecord:
    """Read a study through a connection that cannot write."""
    quiet_libraries()
    return read_study(ReadOnlyStorage(storage_url(storage)), name)


def write_out(out: Path, text: str) -> Path:
    """Write the file that --out names, and return its path as it was said.

    Raises:
        UserError: it cannot be written.
    """
    if user_path(out, "the file of --out").is_dir():
        raise PlanError(f"--out {out} is a folder; name a file in it.")
    write_whole(out.expanduser(), text.encode(), way_out="choose another file with --out")
    return out


def report_command(name: str, storage: str | None, *, out: Path | None) -> int:
    """Write the report of a study."""
    from studies.report import report_html  # loads the plotting libraries

    record = read_only(name, storage)
    page = report_html(record, names=user_names())
    print(write_out(Path(f"{name}-report.html") if out is None else out, page))
    return 0


def user_names() -> tuple[str, ...]:
    """What this machine and its user are called."""
    names = [socket.gethostname()]
    with contextlib.suppress(OSError, KeyError, RuntimeError):
        names += [getpass.getuser(), Path.home().name]
    return tuple(name for name in dict.fromkeys(names) if name and name != "root")

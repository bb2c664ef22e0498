"""What ``bardtune trials`` and ``bardtune report`` do."""

import codecs
import contextlib
import getpass
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from data.errors import CorpusError, UserError
from data.paths import user_path
from search.commands import quiet_libraries, storage_url
from search.writing import SampleFlags, written_by
from studies import trial_table
from studies.errors import PlanError
from studies.export.winner import weights_of
from studies.files import write_whole
from studies.home import data_home
from studies.read_only import ReadOnlyStorage
from studies.reading import read_study
from studies.records import StudyRecord
from studies.storage import Storage
from studies.verdict import verdict_of

if TYPE_CHECKING:
    from studies.report import Sample

ON_THE_PAGE = SampleFlags(prompt="", num_bytes=500, temperature=0.8, seed=0)
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
    check_out(out)
    write_whole(out.expanduser(), text.encode(), way_out="choose another file with --out")
    return out


def check_out(out: Path) -> None:
    """Refuse a folder."""
    if user_path(out, "the file of --out").is_dir():
        raise PlanError(f"--out {out} is a folder; name a file in it.")


def report_command(name: str, storage: str | None, *, out: Path | None, with_sample: bool) -> int:
    """Write the report of a study."""
    from studies.report import report_html  # loads the plotting libraries

    quiet_libraries()
    opened = ReadOnlyStorage(storage_url(storage))
    record = read_study(opened, name)
    out = Path(f"{name}-report.html") if out is None else out
    check_out(out)
    sample = page_sample(opened, record) if with_sample else None
    page = report_html(record, sample=sample, names=user_names())
    print(write_out(out, page))
    return 0


def page_sample(storage: Storage, record: StudyRecord, *, flags: SampleFlags = ON_THE_PAGE) -> "Sample":
    """What the winner of a study writes, or in a sentence why it does not."""
    from studies.report import Sample

    def no(reason: str) -> Sample:
        return Sample(note=f"There is no sample: {reason}.")

    run = verdict_of(record).take_home
    if run is None:
        return no("no trial has finished")
    if record.state == "running":
        return no("the study was still running when this page was made, and writing would have slowed its training")
    weights = weights_of(storage, record, run, data_home())
    if not weights.exists():
        return no(f"the weights of {run.label} were not on the machine where this page was made")
    print("letting the winner write a sample (--no-sample leaves it out) ...", file=sys.stderr, flush=True)
    try:
        written = bytes(written_by(weights, record, flags))
    except CorpusError:
        return no("the text that the study learned from is not where it was, or has changed")
    except UserError:  # damaged, or of a version with other settings
        return no(f"the weights of {run.label} cannot be read")
    return Sample(
        text=codecs.getincrementaldecoder("utf-8")("replace").decode(written),  # without half a character at its end
        note=f"{flags.num_bytes} bytes by {run.label}, seed {flags.seed}, temperature {flags.temperature:g}. "
        f"More of it: bardtune sample {record.name}",
    )


def user_names() -> tuple[str, ...]:
    """What this machine and its user are called."""
    names = [socket.gethostname()]
    with contextlib.suppress(OSError, KeyError, RuntimeError):
        names += [getpass.getuser(), Path.home().name]
    return tuple(name for name in dict.fromkeys(names) if name and name != "root")

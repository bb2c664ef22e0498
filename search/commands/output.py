"""How commands write what they have found: JSON, tables and files."""

import json
import sys
from pathlib import Path

from rich.console import Console

from bardtune.data.paths import user_path
from bardtune.studies.errors import PlanError
from bardtune.studies.files import write_whole
from bardtune.studies.records import StudyRecord


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def table_console(*, width: int = 200) -> Console:
    """As wide as the terminal, or ``width`` columns where there is none."""
    return Console(width=None if sys.stdout.isatty() else width, highlight=False, markup=False)


def write_out(out: Path, text: str) -> Path:
    """Write the file that --out names, and return its path as it was said.

    Raises:
        UserError: it cannot be written.
    """
    check_out(out)
    write_whole(out.expanduser(), text.encode(errors="replace"), way_out="choose another file with --out")
    return out


def warn_in_text(out: Path, record: StudyRecord) -> None:
    """Say that what is written there may be taken for a part of the study's text."""
    text = Path(record.plan.corpus)
    if record.has_own_text and text.is_dir() and user_path(out, "the place of --out").is_relative_to(text):
        print(
            f"bardtune: {out} lies in the folder of the study's text, {text}: a *.txt or *.md file there changes the "
            "text, and the study could not go on",
            file=sys.stderr,
        )


def check_out(out: Path) -> None:
    """Refuse a folder."""
    if user_path(out, "the file of --out").is_dir():
        raise PlanError(f"--out {out} is a folder; name a file in it.")

"""All runs of a study as a table, for spreadsheets and programs: one row a run, of every role."""

import csv
import io
import json
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bardtune.model.settings import SETTING_NAMES
from bardtune.studies.analysis.run_facts import BY_NAME, TABLE, facts_in
from bardtune.studies.records import StudyRecord, TrialRecord

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet reads what begins so as a formula
COLUMNS = facts_in(TABLE)
FAMILIES = (
    ("params.NAME", "what the search drew; empty where a condition was not met, and for other roles"),
    ("settings.NAME", "what was trained with, all of it: budget_s and seed too (see bardtune train --set)"),
)
CURVE = BY_NAME["curve"]  # of JSON lines only
NOTE = (
    "Empty cells (null in JSON) are not known. A text that a spreadsheet would take for a formula has an apostrophe "
    "before it in CSV."
)


def rows(record: StudyRecord) -> Iterator[dict[str, Any]]:
    """One flat dict a run: the fixed columns, ``params.*``, ``settings.*``; the same keys for every run of a study."""
    known = {name for run in record.runs for name in run.settings}
    setting_names = [*SETTING_NAMES, *sorted(known - set(SETTING_NAMES))]
    for run in record.runs:
        row = {column.name: column.read(record, run) for column in COLUMNS}
        row |= {f"params.{each.name}": run.params.get(each.name) for each in record.parameters}
        row |= {f"settings.{name}": run.settings.get(name) for name in setting_names}
        yield {name: _plain(value) for name, value in row.items()}


def csv_text(record: StudyRecord) -> str:
    """The table with a header line, as RFC 4180 has it; the header alone if there is no run."""
    table = list(rows(record))
    fixed = [column.name for column in COLUMNS]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(table[0]) if table else fixed)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in table)
    return text.getvalue()


def json_lines(record: StudyRecord) -> str:
    """One JSON object a line, with the learning curve in ``curve``."""
    return "".join(line for _, line in json_line_of_each(record))


def json_line_of_each(record: StudyRecord) -> Iterator[tuple[TrialRecord, str]]:
    """Each run with its line."""
    for run, row in zip(record.runs, rows(record), strict=True):
        yield run, json.dumps({**row, CURVE.name: CURVE.read(record, run)}, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """``value`` as JSON and a spreadsheet can hold it: a time as text, None for what is no number."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return f"'{value}"
    return "" if value is None else value

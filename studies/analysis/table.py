"""All runs of a study as a table, for spreadsheets and programs: one row a run, of every role.

``COLUMNS`` is the only place where the columns are named and explained.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bardtune.model.settings import SETTING_NAMES
from bardtune.studies.records import StudyRecord, TrialRecord

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet reads what begins so as a formula


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, with the unit at its end, what it means, and how it is read from a run."""

    name: str
    meaning: str
    read: Callable[[StudyRecord, TrialRecord], Any]


def _known(value: Any) -> Any:
    """``value``; None for what is no number, which neither JSON nor a spreadsheet can hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _stat(key: str) -> Callable[[StudyRecord, TrialRecord], Any]:
    return lambda record, run: run.stats.get(key)


def _phase(phase: str) -> Callable[[StudyRecord, TrialRecord], Any]:
    return lambda record, run: run.stats.get("seconds", {}).get(phase)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")


COLUMNS = (
    Column("study", "name of the study", lambda record, run: record.name),
    Column("role", "search, baseline, confirmation or service", lambda record, run: run.role),
    Column("trial", "number within the role, from 0", lambda record, run: run.number),
    Column(
        "candidate", "number of the search trial that a confirmation run repeats", lambda record, run: run.candidate
    ),
    Column("repeats", "how often it was run again because its machine was busy", lambda record, run: run.repeats),
    Column("state", "complete, pruned, failed, running or interrupted", lambda record, run: run.state),
    Column(
        "ending",
        "finished, pruned, diverged, crashed, interrupted; none while running",
        lambda record, run: run.ending,
    ),
    Column("reason", "why it ended so, where there is more to say", lambda record, run: run.reason),
    Column("val_bpb", "bits per byte on the whole validation part; of finished runs", lambda record, run: run.val_bpb),
    Column(
        "trust",
        "how the val_bpb of a script of yours is known: checked, measured or self-reported",
        lambda record, run: run.trust,
    ),
    Column("last_bpb", "val_bpb, or else the last point of the learning curve", lambda record, run: run.last_bpb),
    Column(
        "last_percent",
        "where on the budget the learning curve ends, in percent",
        lambda record, run: run.curve[-1][0] if run.curve else None,
    ),
    Column(
        "test_bpb",
        "bits per byte on the test part; of the winner's and the baseline's kept runs",
        lambda record, run: record.final.get(run.run_id, {}).get("test_bpb"),
    ),
    Column("started", "local time of the machine that coordinated the study", lambda record, run: _time(run.started)),
    Column("ended", "likewise", lambda record, run: _time(run.ended)),
    Column("steps", "optimizer updates", _stat("steps")),
    Column("train_bytes", "bytes trained on, repetitions counted", _stat("bytes_seen")),
    Column("train_bytes_per_s", "those for each second of training", _stat("bytes_per_s")),
    Column("num_params", "parameters of the model", _stat("num_params")),
    Column("setup_s", "seconds to build the model and warm up; not charged to the budget", _phase("setup")),
    Column("train_s", "seconds of training, charged to the budget", _phase("train")),
    Column("evaluate_s", "seconds of evaluation; not charged", _phase("evaluate")),
    Column("checkpoint_s", "seconds to save the state; not charged", _phase("checkpoint")),
    Column("cpu_ratio", "CPU seconds for each second of training; up to the number of threads", _stat("cpu_ratio")),
    Column("peak_memory_bytes", "largest memory of the process", _stat("peak_memory_bytes")),
    Column("starved", "true if the machine was busy with something else", _stat("starved")),
    Column("seconds_budget", "the plan's seconds of training for each run", lambda record, run: record.plan.seconds),
    Column("corpus_sha256", "of the whole text", lambda record, run: record.corpus.get("sha256")),
)
FAMILIES = (
    ("params.NAME", "what the search drew; empty where a condition was not met, and for other roles"),
    ("settings.NAME", "what was trained with, all of it: budget_s and seed too (see bardtune train --set)"),
)
CURVE = ("curve", "the learning curve: pairs of percent and bits per byte (JSON lines only)")
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
        yield {name: _known(value) for name, value in row.items()}


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
    curves = ([list(point) for point in run.curve] for run in record.runs)
    pairs = zip(rows(record), curves, strict=True)
    return "".join(json.dumps({**row, CURVE[0]: curve}, ensure_ascii=False) + "\n" for row, curve in pairs)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return f"'{value}"
    return "" if value is None else value

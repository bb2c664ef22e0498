"""What ``bardtune list`` prints."""

import re
import sys
from datetime import datetime, timedelta

from rich.table import Table

from bardtune.search.commands.output import print_json, table_console
from bardtune.search.commands.shared import quiet_libraries, storage_url
from bardtune.studies.analysis.phrases import bpb_text, duration_text, state_text
from bardtune.studies.analysis.verdict import study_json, verdict_of
from bardtune.studies.errors import PlanError
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.home import data_home
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_studies

NARROW = 76  # columns; a narrower terminal is shown less of each study
_AGO = re.compile(r"(\d{1,4})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


def list_command(storage: str | None, *, corpus: str | None, since: str | None, as_json: bool) -> int:
    quiet_libraries()
    after = None if since is None else moment_of(since, datetime.now())
    everything = _all_records(storage)
    records = [record for record in everything if _is_asked_for(record, corpus, after)]
    if as_json:
        print_json([study_json(record, with_settings=False) for record in records])
        return 0
    if not records:
        what = "no study is as asked for" if everything else "no studies yet; begin one with: bardtune start NAME"
        print(what)
        return 0
    console = table_console()
    console.print(_table(records, is_narrow=console.width < NARROW))
    return 0


def _is_asked_for(record: StudyRecord, corpus: str | None, after: datetime | None) -> bool:
    if corpus is not None and corpus.lower() not in str(record.corpus.get("name", "")).lower():
        return False
    if after is None or record.state == "running":
        return True
    moments = [moment for run in record.runs if (moment := run.ended or run.started) is not None]
    return bool(moments) and max(moments).replace(tzinfo=None) >= after


def moment_of(text: str, now: datetime) -> datetime:
    """The moment that a date or a length of time before now means, in local time.

    Raises:
        PlanError: it is neither.
    """
    if ago := _AGO.fullmatch(text):
        return now - timedelta(hours=int(ago[1]) * _HOURS[ago[2]])
    try:
        return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
    except ValueError:
        raise PlanError(f"--since {text!r} is no date; write one such as 2026-11-28, or 12h, 3d, 2w for ago.") from None


def _table(records: list[StudyRecord], *, is_narrow: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    wide = () if is_narrow else ("baseline", "corpus", "used")
    for column in ("study", "state", "trials", "best bpb", *wide):
        is_number = column in ("best bpb", "baseline", "used")
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for record in records:
        counts, verdict = record.counts(), verdict_of(record)
        baseline = bpb_text(verdict.baseline.mean if verdict.baseline else None)
        more = () if is_narrow else (baseline, record.corpus_name, duration_text(record.seconds_used))
        state = record.state if is_narrow else state_text(record)
        table.add_row(record.name, state, f"{counts['total']}/{counts['planned']}", bpb_text(verdict.bpb), *more)
    return table


def _all_records(storage: str | None) -> list[StudyRecord]:
    """Records of all studies; none if the default database has not been made yet."""
    if storage is None and not data_home().database.exists():
        return []
    return read_studies(ReadOnlyStorage(storage_url(storage)), _tell_damaged)


def _tell_damaged(name: str, problem: Exception) -> None:
    print(f"bardtune: the study {name!r} is damaged and left out: {problem!r:.200}", file=sys.stderr)

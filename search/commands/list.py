"""What ``bardtune list`` prints."""

import sys

from rich.table import Table

from bardtune.search.commands.output import print_json, print_table
from bardtune.search.commands.shared import quiet_libraries, storage_url
from bardtune.studies.analysis.phrases import bpb_text, duration_text, state_text
from bardtune.studies.analysis.verdict import study_json, verdict_of
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.home import data_home
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_studies


def list_command(storage: str | None, *, as_json: bool) -> int:
    quiet_libraries()
    records = _all_records(storage)
    if as_json:
        print_json([study_json(record, with_settings=False) for record in records])
        return 0
    if not records:
        print("no studies yet; begin one with: bardtune start NAME")
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("study", "state", "trials", "best bpb", "baseline", "corpus", "used"):
        table.add_column(column, justify="right" if column in ("best bpb", "baseline", "used") else "left")
    for record in records:
        counts, verdict = record.counts(), verdict_of(record)
        table.add_row(
            record.name,
            state_text(record),
            f"{counts['total']}/{counts['planned']}",
            bpb_text(verdict.bpb),
            bpb_text(verdict.baseline.mean if verdict.baseline else None),
            record.corpus_name,
            duration_text(record.seconds_used),
        )
    print_table(table)
    return 0


def _all_records(storage: str | None) -> list[StudyRecord]:
    """Records of all studies; none if the default database has not been made yet."""
    if storage is None and not data_home().database.exists():
        return []
    return read_studies(ReadOnlyStorage(storage_url(storage)), _tell_damaged)


def _tell_damaged(name: str, problem: Exception) -> None:
    print(f"bardtune: the study {name!r} is damaged and left out: {problem!r:.200}", file=sys.stderr)

"""What ``bardtune compare`` does and prints."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from bardtune.data.paths import user_path
from bardtune.search.commands.output import print_json, table_console
from bardtune.search.commands.shared import quiet_libraries, say_next, storage_url
from bardtune.studies.analysis.phrases import bpb_text, duration_text
from bardtune.studies.analysis.verdict import Verdict, study_json
from bardtune.studies.analysis.versus import Versus, versus
from bardtune.studies.analysis.versus_phrases import field_text, sentences
from bardtune.studies.errors import PlanError
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study


def compare_command(
    names: list[str], formats: str | None, out: Path | None, storage: str | None, *, as_json: bool
) -> int:
    if out is not None and formats is None:
        raise PlanError("--out says where a picture goes, and none was asked for; add --format png, or html.")
    quiet_libraries()
    stored = ReadOnlyStorage(storage_url(storage))
    found = versus([read_study(stored, name) for name in names])
    paths = [] if formats is None else _draw(found, formats, Path("plots") if out is None else out)
    if as_json:
        print_json(_as_json(found, paths))
        return 0
    table_console().print(_table(found))
    print()
    for line in (*sentences(found), *paths):
        print(line)
    means = {
        record.name: verdict.confirmed.mean
        for record, verdict in zip(found.records, found.verdicts, strict=True)
        if verdict.confirmed is not None
    }
    if len(means) == len(found.records) and not found.differ_in:
        say_next(f"export {min(means, key=means.__getitem__)}", storage=storage)
    return 0


def _draw(found: Versus, formats: str, out: Path) -> list[Path]:
    from bardtune.studies.plots.write import write_versus  # loads the plotting libraries

    user_path(out, "the folder of --out")
    wanted = [item.strip() for item in formats.split(",") if item.strip()]
    return write_versus(found, formats=wanted, folder=out.expanduser())


def _as_json(found: Versus, paths: Sequence[Path]) -> dict[str, Any]:
    return {
        "studies": [study_json(record) for record in found.records],
        "plans_differ_in": {field: list(values) for field, values in found.unlike.items()},
        "winners_differ_in": {name: list(values) for name, values in found.params.items()},
        "pairs": [{**asdict(pair), "is_told_apart": pair.is_told_apart} for pair in found.pairs],
        "warnings": list(found.warnings),
        "pictures": [str(path) for path in paths],
    }


def _table(found: Versus) -> Table:
    """A column a study: what came of it, then what its plan and its winner have of their own."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", overflow="fold")
    for record in found.records:
        table.add_column(record.name, overflow="fold")
    for name, cells in _rows(found):
        table.add_row(name, *cells)
    return table


def _rows(found: Versus) -> Iterator[tuple[str, list[str]]]:
    records, verdicts = found.records, found.verdicts
    yield "state", [record.state for record in records]
    yield "runs", [f"{len(record.runs)} of {record.plan.trials}" for record in records]
    yield "time", [duration_text(record.seconds_used) for record in records]
    yield "winner", [verdict.winner.label if verdict.winner else "-" for verdict in verdicts]
    yield "bpb", [_bpb(verdict) for verdict in verdicts]
    yield "test bpb", [bpb_text(verdict.test_bpb) for verdict in verdicts]
    yield "baseline", [bpb_text(verdict.baseline.mean if verdict.baseline else None) for verdict in verdicts]
    for field, values in found.unlike.items():
        yield f"plan: {field}", [field_text(field, value) for value in values]
    for name, values in found.params.items():
        yield f"winner: {name}", [field_text(name, value) for value in values]


def _bpb(verdict: Verdict) -> str:
    if verdict.confirmed is None:
        return "-" if verdict.bpb is None else f"{bpb_text(verdict.bpb)} (one run)"
    sd = f"sd {bpb_text(verdict.confirmed.sd)}, " if verdict.confirmed.sd is not None else ""
    return f"{bpb_text(verdict.confirmed.mean)} ({sd}n={verdict.confirmed.n})"

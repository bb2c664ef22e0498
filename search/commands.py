"""What each command on studies prints. Progress goes to standard error, results to standard output."""

import logging
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from data.errors import UserError
from data.paths import user_path
from search.cli import print_json
from search.live_view import make_view
from search.planning import fresh_name, read_plan_file, resolve_plan
from search.studying import exit_code, resume_study, start_study
from search.verdict_text import verdict_lines
from search.view import run_line
from studies.home import data_home
from studies.lock import OwnershipLostError
from studies.read_only import ReadOnlyStorage
from studies.reading import read_study, study_names
from studies.records import StudyRecord
from studies.storage import without_password
from studies.verdict import study_json, verdict_of
from studies.words import bpb_text, counts_text, duration_text, state_text


def start_command(
    name: str | None, flags: dict[str, Any], config: Path | None, storage: str | None, *, began: float
) -> int:
    plan = resolve_plan(flags, read_plan_file(config))
    quiet_libraries()
    view = make_view(Console(stderr=True))
    try:
        record = start_study(storage_url(storage), fresh_name() if name is None else name, plan, view, began=began)
    except OwnershipLostError as problem:
        return _lost(problem)
    print_summary(record, storage)
    return exit_code(record)


def resume_command(name: str, storage: str | None, *, began: float, accept_changes: bool) -> int:
    quiet_libraries()
    view = make_view(Console(stderr=True))
    url = storage_url(storage)
    try:
        finished = read_study(ReadOnlyStorage(url), name).state == "finished"
        record = resume_study(url, name, view, began=began, accept_changes=accept_changes)
    except OwnershipLostError as problem:
        return _lost(problem)
    if finished:
        print(f"the study {name} is finished; no trial was added.")
    print_summary(record, storage)
    return exit_code(record)


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
        best = verdict.confirmed.mean if verdict.confirmed else record.best.val_bpb if record.best else None
        table.add_row(
            record.name,
            state_text(record),
            f"{counts['total']}/{counts['planned']}",
            bpb_text(best),
            bpb_text(verdict.baseline.mean if verdict.baseline else None),
            Path(record.corpus["name"]).name,
            duration_text(record.seconds_used),
        )
    _print_table(table)
    return 0


def show_command(name: str, storage: str | None, *, as_json: bool) -> int:
    quiet_libraries()
    record = read_study(ReadOnlyStorage(storage_url(storage)), name)
    if as_json:
        print_json({**study_json(record), "runs": [run.as_json() for run in record.all_runs]})
        return 0
    print_summary(record, storage)
    print()
    for run in record.all_runs:
        print(run_line(run))
    return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PlotFlags:
    """What ``bardtune plot`` was told."""

    kind: str  # comma-separated, as formats
    formats: str
    evaluator: str
    out: Path


def plot_command(name: str, flags: PlotFlags, storage: str | None) -> int:
    from studies.plots.write import write_plots  # loads the plotting libraries

    quiet_libraries()
    record = read_study(ReadOnlyStorage(storage_url(storage)), name)
    user_path(flags.out, "the folder of --out")
    paths = write_plots(
        record,
        kinds=_items(flags.kind),
        formats=_items(flags.formats),
        folder=flags.out.expanduser(),  # the shell leaves the ~ of --out=~/plots alone
        evaluator=flags.evaluator,
    )
    for path in paths:
        print(path)
    return 0


def print_summary(record: StudyRecord, said_storage: str | None) -> None:
    """What became of a study, in a few lines; ``said_storage`` completes the commands it recommends."""
    where = f" --storage {without_password(said_storage)}" if said_storage is not None else ""
    verdict = verdict_of(record)
    print(
        f"study {record.name}: {state_text(record)}, {counts_text(record)}, {duration_text(record.seconds_used)} used"
    )
    for line in verdict_lines(verdict, record.best_known):
        print(line)
    if (share := record.share_outside_training) is not None:
        print(f"outside training: {share:.1%} of the study's time, evaluation excluded")
    if starved := record.counts()["starved"]:
        print(
            f"starved: in {starved} of {len(record.all_runs)} runs the machine was busy with something else, so they "
            "trained less than they could; --repeat-starved 1 has such runs made again"
        )
    if record.stop_reason == "error" and (reason := last_crash(record)) is not None:
        print(f"last crash  {reason}")
    print(f"storage     {record.storage}")
    if record.state == "interrupted":
        print(f"continue with: bardtune resume {record.name}{where}")
    elif verdict.winner is not None:
        print(f"look at it with: bardtune plot {record.name}{where}")


def last_crash(record: StudyRecord) -> str | None:
    """Why the run that crashed last has; None if none has."""
    crashed = [(run.ended, run.reason) for run in record.all_runs if run.ending == "crashed" and run.ended is not None]
    return max(crashed, key=lambda crash: crash[0])[1] if crashed else None


def storage_url(said: str | None) -> str:
    """The URL that was said, or the default in the data folder."""
    return said if said is not None else data_home().storage_url


def quiet_libraries() -> None:
    """Optuna's own log lines and warnings are for programmers; ours say what a user needs."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", module="optuna")
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    logging.basicConfig(level=logging.WARNING, format="bardtune: %(message)s", stream=sys.stderr)


def _all_records(storage: str | None) -> list[StudyRecord]:
    """Records of all studies; none if the default database has not been made yet."""
    if storage is None and not data_home().database.exists():
        return []
    opened = ReadOnlyStorage(storage_url(storage))
    records = []
    for name in study_names(opened):
        try:
            records.append(read_study(opened, name))
        except (UserError, SQLAlchemyError, KeyError, TypeError) as problem:
            print(f"bardtune: the study {name!r} is damaged and left out: {problem!r:.200}", file=sys.stderr)
    return records


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _print_table(table: Table) -> None:
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False).print(table)


def _lost(problem: OwnershipLostError) -> int:
    print(f"bardtune: {problem}; this process has stopped and left it alone.", file=sys.stderr)
    return 1

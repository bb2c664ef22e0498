"""What several commands do alike. Progress goes to standard error, results to standard output."""

import logging
import shlex
import sys
import warnings

import optuna

from bardtune.search.terminal.verdict import verdict_lines
from bardtune.studies.analysis.phrases import (
    counts_text,
    duration_text,
    earlier_of,
    earlier_text,
    extended_text,
    state_text,
)
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.plan import MAX_HOURS, MAX_TRIALS
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.home import data_home
from bardtune.studies.store.lock import OwnershipLostError
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import without_password


def print_summary(record: StudyRecord, given_storage: str | None) -> None:
    """What became of a study, in a few lines; ``given_storage`` completes the commands it recommends."""
    where = f" --storage {shlex.quote(without_password(given_storage))}" if given_storage is not None else ""
    verdict = verdict_of(record)
    print(
        f"study {record.name}: {state_text(record)}, {counts_text(record)}, {duration_text(record.seconds_used)} used"
    )
    if (extended := extended_text(record.extended_at)) is not None:
        print(extended)
    if (earlier := earlier_text(earlier_of(record))) is not None:
        print(earlier)
    if record.note:
        print(f"note        {record.note}")
    for line in verdict_lines(verdict, record.best_known):
        print(line)
    if (share := record.share_outside_training) is not None:
        print(f"outside training: {share:.1%} of the study's time, evaluation excluded")
    if len(kinds := record.kinds_of_processor) > 1:
        print(f"runs on {len(kinds)} kinds of processor, whose bpb do not compare: {'; '.join(kinds)}")
    if starved := record.counts()["starved"]:
        print(
            f"starved: in {starved} of {len(record.runs)} runs the machine was busy with something else, so they "
            "trained less than they could; --repeat-starved 1 has such runs made again"
        )
    if record.stop_reason == "error" and (reason := last_crash(record)) is not None:
        print(f"last crash  {reason}")
    print(f"storage     {record.storage}")
    if record.state == "interrupted":
        print(f"continue with: bardtune resume {record.name}{where}")
    if verdict.no_test_reasons:
        print(f"have the test score made up for with: bardtune resume {record.name}{where}")
    if record.state != "interrupted" and verdict.winner is not None:
        print(f"look at it with: bardtune plot {record.name}{where}")
        if (more := _options_of_more(record)) is not None:
            print(" ".join(filter(None, ("more of it with: bardtune extend", record.name, more))) + where)


def say_next(*commands: str, storage: str | None = None) -> None:
    """What people usually do now: for people, so on a terminal alone."""
    if sys.stdout.isatty():
        where = "" if storage is None else f" --storage {shlex.quote(without_password(storage))}"
        for command in commands:
            print(f"next: bardtune {command}{where}")


def _options_of_more(record: StudyRecord) -> str | None:
    """How a finished study can be extended, "" for as it is; None if it has all that a study may have."""
    plan = record.plan
    if record.state != "finished" or len(record.runs) >= MAX_TRIALS:
        return None
    trials = f"--trials {MAX_TRIALS}" if plan.trials < MAX_TRIALS else ""
    has_time = record.stop_reason != "hours" and plan.hours * 3600 - record.seconds_used > 2 * plan.seconds
    if not has_time and plan.hours == MAX_HOURS:
        return None
    more = " ".join(filter(None, (trials, "" if has_time else f"--hours {MAX_HOURS:g}")))
    return more if more or len(record.runs) < plan.trials else None


def last_crash(record: StudyRecord) -> str | None:
    """Why the run that crashed last has; None if none has."""
    crashed = [(run.ended, run.reason) for run in record.runs if run.ending == "crashed" and run.ended is not None]
    return max(crashed, key=lambda crash: crash[0])[1] if crashed else None


def storage_url(given: str | None) -> str:
    """The URL that was said, or the default in the data folder."""
    return given if given is not None else data_home().storage_url


def quiet_libraries() -> None:
    """Optuna's own log lines and warnings are for programmers; ours say what a user needs."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", module="optuna")
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    logging.basicConfig(level=logging.WARNING, format="bardtune: %(message)s", stream=sys.stderr)


def read_only(name: str, storage: str | None) -> StudyRecord:
    """Read a study through a connection that cannot write."""
    quiet_libraries()
    return read_study(ReadOnlyStorage(storage_url(storage)), name)


def ownership_lost(problem: OwnershipLostError) -> int:
    """Say so; returns the exit code."""
    print(f"bardtune: {problem}; this process has stopped and left it alone.", file=sys.stderr)
    return 1

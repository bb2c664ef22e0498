"""The training service: a user's own script, run under a study's budget, cap, clock and ruler."""

import difflib
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.corpus import BUILT_IN, load_corpus
from data.paths import user_path
from model import METRIC_VERSION
from search.agenda import Agenda
from search.checking import Ruler, checked
from search.coordinator import ALLOWANCE_SHARE
from search.finale import ALLOWANCE_S, SCORING_SHARE, evaluation_s
from search.script_process import ScriptOrder, run_folder, run_script
from search.studying import stop_signals
from studies.contract import prepare_source
from studies.contract.outcome import Outcome, judge
from studies.errors import StudyError
from studies.open_run import OpenRun
from studies.owned import OwnedStudy
from studies.plan import expected_overhead_s
from studies.reading import read_study
from studies.records import StudyRecord, TrialRecord
from studies.storage import Storage

MOST_SCRIPT_BYTES = 1 << 20


def run_in_study(storage_url: str, name: str, script: Path, *, seed: int, began: float) -> TrialRecord:
    """Run a user's script as one training run of a study and return its record.

    Raises:
        UserError: no such script or study, somebody runs the study, or it has no run left; nothing is stored then.
    """
    path, source = read_script(script)
    storage = Storage(storage_url, create=False)
    check_unchanged(read_study(storage, name))
    with OwnedStudy(storage, name, began=began) as owned, stop_signals() as stopped:
        check_room(owned)
        facts = {**script_facts(path, source, owned.last_script()), "seed": seed}
        run = owned.ask_script()
        owned.note_script(run, facts)

        def wanted() -> bool:
            owned.renew()
            return not stopped.is_set()

        try:
            outcome = run_and_check(owned, make_order(owned, path.name, source, seed), wanted)
        except KeyboardInterrupt:  # asked to stop twice: at once
            owned.tell_interrupted(run, "stopped by the user", {})
            raise
        except OSError as problem:
            owned.tell_crashed(run, f"it could not be started: {problem.strerror}", {})
            raise StudyError(
                f"cannot start {path}: {problem.strerror}; put that right (disk of temporary files, memory, number of "
                "processes) and run it again."
            ) from problem
        owned.note_script(run, {**facts, "trust": outcome.trust})
        _tell(owned, run, outcome)
        record = owned.record()
    return next(other for other in record.runs if other.run_id == run.run_id)


def run_and_check(owned: OwnedStudy, order: ScriptOrder, wanted: Callable[[], bool]) -> Outcome:
    """Run a script, and score what it has handed back; the score is no part of its budget."""
    with run_folder() as folder:
        end = run_script(order, folder, wanted=wanted, hear=_pass_on)
        outcome = judge(end, budget_s=owned.plan.seconds)
        return checked(outcome, folder, make_ruler(owned), wanted=wanted, told=_tell_person)


def read_script(said: Path) -> tuple[Path, str]:
    """Return the script's absolute path and its text; StudyError if it cannot be one."""
    path = user_path(said, "the script")
    if path.is_dir():
        raise StudyError(f"{path} is a folder; name the script in it, such as {said / 'train.py'}.")
    if not path.exists():
        raise StudyError(f"no script at {path}; name a Python file that imports prepare.")
    if path.name == "prepare.py":
        raise StudyError(f"{path} has the name of the file that bardtune provides; rename it, such as train.py.")
    try:
        if not path.is_file() or path.stat().st_size > MOST_SCRIPT_BYTES:
            raise StudyError(f"{path} is no file of at most {MOST_SCRIPT_BYTES:,} bytes; name a Python script.")
        return path, path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as problem:
        raise StudyError(f"{path} is not UTF-8 text; name a Python script.") from problem
    except OSError as problem:
        raise StudyError(f"cannot read the script {path}: {problem.strerror}; check its rights.") from problem


def check_unchanged(record: StudyRecord) -> None:
    """Raise StudyError if a bpb of today would not compare with those of the study."""
    now = load_corpus(record.plan.corpus).sha256
    if now != record.corpus["sha256"]:
        raise StudyError(f"the corpus of the study {record.name!r} has changed since it began; put it back.")
    metric = record.fingerprint.get("metric_version", METRIC_VERSION)
    if metric != METRIC_VERSION:
        raise StudyError(
            f"the study {record.name!r} was measured with metric version {metric} and this is version "
            f"{METRIC_VERSION}; start a new study."
        )


def check_room(owned: OwnedStudy) -> None:
    """Raise StudyError if the study has no run left for a script."""
    run_s = owned.plan.seconds + expected_overhead_s(owned.plan.seconds)
    remaining_s = owned.plan.hours * 3600 - owned.lock.seconds_used()
    refusal = Agenda(owned).refusal_of_script(remaining_s=remaining_s, run_s=run_s)
    if refusal is not None:
        raise StudyError(
            f"no run is left for a script: the study {owned.name!r} has {refusal}; run it in another study "
            "(one that Ctrl-C has stopped keeps its runs)."
        )


def script_facts(path: Path, source: str, before: dict[str, Any] | None) -> dict[str, Any]:
    """What is stored of a script, with what has changed since the one before."""
    old = "" if before is None else str(before["source"])
    diff = difflib.unified_diff(
        old.splitlines(keepends=True), source.splitlines(keepends=True), "previous run", path.name
    )
    digest = hashlib.sha256(source.encode("utf-8")).hexdigest()
    return {
        "path": str(path),
        "sha256": digest,
        "source": source,
        "diff": None if before is None else "".join(diff),
        "trust": None,
    }


def make_order(owned: OwnedStudy, file_name: str, source: str, seed: int) -> ScriptOrder:
    """The study's conditions, for a script."""
    plan, corpus = owned.plan, owned.corpus
    limit_s = plan.seconds * (1 + ALLOWANCE_SHARE) + ALLOWANCE_S + evaluation_s(corpus)
    return ScriptOrder(
        file_name=file_name,
        source=source,
        prepare=prepare_source(corpus=corpus, budget_s=plan.seconds),
        corpus=None if plan.corpus == BUILT_IN else Path(plan.corpus),
        threads=plan.threads,
        seed=seed,
        limit_s=min(limit_s, _left_s(owned)),
    )


def make_ruler(owned: OwnedStudy) -> Ruler:
    """The study's conditions, for what a script hands back."""
    plan, corpus = owned.plan, owned.corpus
    limit_s = 2 * ALLOWANCE_S + SCORING_SHARE * evaluation_s(corpus)
    return Ruler(
        corpus=plan.corpus,
        corpus_sha256=corpus["sha256"],
        threads=plan.threads,
        limit_s=max(0.0, min(limit_s, _left_s(owned))),
    )


def _left_s(owned: OwnedStudy) -> float:
    """Active time that the study has left."""
    return owned.plan.hours * 3600 - owned.lock.seconds_used()


def _tell(owned: OwnedStudy, run: OpenRun, outcome: Outcome) -> None:
    stats = {**outcome.stats, "threads": owned.plan.threads}
    reason = outcome.reason or "unknown"
    if outcome.ending == "finished":
        assert outcome.val_bpb is not None
        owned.tell_finished(run, outcome.val_bpb, stats, note=outcome.reason)
    elif outcome.ending == "diverged":
        owned.tell_diverged(run, reason, stats)
    elif outcome.ending == "interrupted":
        owned.tell_interrupted(run, reason, stats)
    else:
        owned.tell_crashed(run, reason, stats)


def _tell_person(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _pass_on(output: bytes) -> None:
    """What the script writes goes to standard error: ours is for the result."""
    sys.stderr.buffer.write(output)
    sys.stderr.flush()

"""The training service: a user's own script, run under a study's budget, cap, clock and ruler."""

import difflib
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bardtune.data.corpus import BUILT_IN
from bardtune.model import METRIC_VERSION
from bardtune.search.engine.limits import ALLOWANCE_S, remaining_s, run_limit_s, scoring_limit_s
from bardtune.search.engine.scheduler import Scheduler
from bardtune.search.engine.signals import stop_signals
from bardtune.search.scripts.project import Project, read_project
from bardtune.search.scripts.scoring import Ruler, checked
from bardtune.search.scripts.script_process import ScriptOrder, run_folder, run_script
from bardtune.studies.contract import prepare_source
from bardtune.studies.contract.artifact import Artifact
from bardtune.studies.contract.run_end import LOWEST_BPB, RunEnd, run_end_of
from bardtune.studies.errors import StudyError
from bardtune.studies.plan import expected_overhead_s
from bardtune.studies.records import StudyRecord, TrialRecord
from bardtune.studies.store.open_run import OpenRun
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from bardtune.studies.text import text_of


def run_in_study(
    storage_url: str, name: str, script: Path, *, seed: int, began: float
) -> tuple[StudyRecord, TrialRecord]:
    """Run a user's script as one training run of a study; return the study as it is then, and the run.

    Raises:
        UserError: no such script or study, somebody runs the study, or it has no run left; nothing is stored then.
    """
    project = read_project(script)
    storage = Storage(storage_url, create=False)
    check_unchanged(read_study(storage, name))
    with StudyWriter(storage, name, began=began) as writer, stop_signals() as stopped:
        check_room(writer)
        facts = {**script_facts(project, writer.last_script()), "seed": seed}
        run = writer.ask_script()
        writer.note_script(run, facts)

        def should_continue() -> bool:
            writer.renew()
            return not stopped.is_set()

        try:
            end = run_and_check(writer, make_order(writer, project, seed), should_continue)
        except KeyboardInterrupt:  # asked to stop twice: at once
            writer.tell_interrupted(run, "stopped by the user", {})
            raise
        except OSError as problem:
            writer.tell_crashed(run, f"it could not be started: {problem.strerror}", {})
            raise StudyError(
                f"cannot start {project.path}: {problem.strerror}; put that right (disk of temporary files, memory, "
                "number of processes) and run it again."
            ) from problem
        writer.note_script(run, {**facts, "trust": end.trust})
        _tell(writer, run, end)
        record = writer.record()
    return record, next(other for other in record.other_runs if other.run_id == run.run_id)


def run_and_check(writer: StudyWriter, order: ScriptOrder, should_continue: Callable[[], bool]) -> RunEnd:
    """Run a script, and score its artifact; the score is no part of its budget."""
    with run_folder() as folder:
        script_end = run_script(order, folder, should_continue=should_continue, on_output=_print_output)
        end = run_end_of(script_end, budget_s=writer.plan.seconds, lowest_bpb=lowest_bpb(writer.record()))
        return checked(end, folder, make_ruler(writer), should_continue=should_continue, on_scoring=_print_scoring)


def lowest_bpb(record: StudyRecord) -> float:
    """What no honest model of the study's text is below; less where its own runs come near the usual bound."""
    own = [run.val_bpb for run in record.runs if run.val_bpb is not None and run.script is None]
    return min([LOWEST_BPB, *(bpb / 2 for bpb in own)])


def check_unchanged(record: StudyRecord) -> None:
    """Raise UserError if a bpb of today would not compare with those of the study."""
    text_of(record)
    metric = record.fingerprint.get("metric_version", METRIC_VERSION)
    if metric != METRIC_VERSION:
        raise StudyError(
            f"the study {record.name!r} was measured with metric version {metric} and this is version "
            f"{METRIC_VERSION}; start a new study."
        )


def check_room(writer: StudyWriter) -> None:
    """Raise StudyError if the study has no run left for a script."""
    run_s = writer.plan.seconds + expected_overhead_s(writer.plan.seconds)
    refusal = Scheduler(writer).refusal_of_script(remaining_s=remaining_s(writer), run_s=run_s)
    if refusal is not None:
        raise StudyError(
            f"no run is left for a script: the study {writer.name!r} has {refusal}; run it in another study "
            "(one that Ctrl-C has stopped keeps its runs)."
        )


def script_facts(project: Project, before: dict[str, Any] | None) -> dict[str, Any]:
    """What is stored of a script and its files, with what has changed since the one before."""
    source = project.source
    return {
        "path": str(project.path),
        "sha256": hashlib.sha256(source.encode("utf-8")).hexdigest(),
        "source": source,
        "files": project.others,
        "diff": None if before is None else diff_of(project, before),
        "trust": None,
    }


def diff_of(project: Project, before: dict[str, Any]) -> str:
    """What has changed in a script and its files since another was stored, as a unified diff."""
    old = {project.name: str(before["source"]), **before.get("files", {})}
    new = {project.name: project.source, **project.others}
    changes: list[str] = []
    for name in dict.fromkeys((*new, *old)):
        then, now = (texts.get(name, "").splitlines(keepends=True) for texts in (old, new))
        changes += difflib.unified_diff(then, now, "previous run" if name == project.name else f"{name}, before", name)
    return "".join(changes)


def make_order(writer: StudyWriter, project: Project, seed: int) -> ScriptOrder:
    """The study's conditions, for a script."""
    plan = writer.plan
    return ScriptOrder(
        file_name=project.name,
        files=project.files,
        prepare=prepare_source(corpus=writer.corpus, budget_s=plan.seconds),
        corpus=None if plan.corpus == BUILT_IN else Path(plan.corpus),
        threads=plan.threads,
        seed=seed,
        limit_s=run_limit_s(writer),
    )


def make_ruler(writer: StudyWriter) -> Ruler:
    """The study's conditions, for a script's artifact."""
    plan, corpus = writer.plan, writer.corpus
    limit_s = ALLOWANCE_S + scoring_limit_s(corpus)  # its process has to start first
    return Ruler(
        corpus=plan.corpus,
        corpus_sha256=corpus["sha256"],
        threads=plan.threads,
        limit_s=max(0.0, min(limit_s, remaining_s(writer))),
    )


def _tell(writer: StudyWriter, run: OpenRun, end: RunEnd) -> None:
    stats = {**end.stats, "threads": writer.plan.threads}
    reason = end.reason or "unknown"
    if end.ending == "finished":
        assert end.val_bpb is not None
        writer.tell_finished(run, end.val_bpb, stats, note=end.reason)
    elif end.ending == "diverged":
        writer.tell_diverged(run, reason, stats)
    elif end.ending == "interrupted":
        writer.tell_interrupted(run, reason, stats)
    else:
        writer.tell_crashed(run, reason, stats)


def _print_scoring(artifact: Artifact) -> None:
    print(f"scoring the {artifact.kind} that it handed back ...", file=sys.stderr, flush=True)


def _print_output(output: bytes) -> None:
    """What the script writes goes to standard error: standard output is for the result."""
    sys.stderr.buffer.write(output)
    sys.stderr.flush()

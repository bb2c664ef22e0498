"""Starting and resuming studies: everything ``start`` and ``resume`` do, callable from Python."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from bardtune.data.corpus import load_corpus
from bardtune.search.engine.coordinator import Coordinator
from bardtune.search.engine.final_scoring import FinalScoring
from bardtune.search.engine.limits import overhead_s
from bardtune.search.engine.planning import read_settings
from bardtune.search.engine.resumable import check_packages, check_resumable, fingerprint_of, moved
from bardtune.search.engine.signals import stop_signals
from bardtune.search.launch.processes import other_trainers
from bardtune.search.launch.protocol import Launcher
from bardtune.search.launch.registry import LAUNCHERS, Site
from bardtune.search.sampling.after import best_known_from, space_after, studies_before
from bardtune.search.sampling.samplers.registry import SAMPLERS
from bardtune.search.sampling.space import SearchSpace, space_from, stored_space
from bardtune.search.sampling.space_file import load_space
from bardtune.search.terminal.hooks import Hooks
from bardtune.search.terminal.lines import View, safe_view
from bardtune.studies.analysis.phrases import duration_text
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.earlier import EarlierStudy
from bardtune.studies.errors import PlanError, StudyError
from bardtune.studies.extensions import more_of
from bardtune.studies.plan import MAX_HOURS, StudyPlan, check_study_name
from bardtune.studies.records import FINISHING_REASONS, StudyRecord
from bardtune.studies.store.creating import NewStudy
from bardtune.studies.store.home import data_home
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter

INCOMPRESSIBLE_BPB = 7.5
NO_HOOKS = Hooks()


def start_study(
    storage_url: str,
    name: str,
    plan: StudyPlan,
    view: View,
    *,
    began: float,
    address: str | None = None,
    after: Sequence[str] = (),
    best_known: Path | None = None,
    hooks: Hooks = NO_HOOKS,
) -> StudyRecord:
    """Create a study and run it.

    Args:
        storage_url: where it is stored; the database is made if it is not there.
        name: of the study, not taken yet.
        plan: what to do.
        view: shows what happens.
        began: ``awake_s()`` from which the study's active time counts.
        address: of the cluster that its launcher is to use.
        after: studies of the same database to learn from: the first one's winner is the first trial.
        best_known: a file with settings for the first trial instead: see ``read_settings``.
        hooks: commands that are told of it.

    Raises:
        UserError: something the user can put right; no study has been created then.
    """
    check_study_name(name)
    _check_address(plan, address)
    if after and best_known is not None:
        raise PlanError("--after and --best-known both say what is tried first; choose one of them.")
    space, corpus = load_space(plan.space), load_corpus(plan.corpus, on_long=_reading(view))
    check_packages(plan)
    if (bpb := corpus.zlib_bpb) > INCOMPRESSIBLE_BPB:
        view.said(
            f"this text seems to be compressed or encrypted (zlib needs {bpb:.1f} bits for each of its bytes): nothing "
            "can be learned from it then; give the text itself"
        )
    facts = {
        "name": plan.corpus,
        "bytes": corpus.num_bytes,
        "sha256": corpus.sha256,
        "files": corpus.num_files,
    }
    if best_known is not None:
        space, notes = best_known_from(space, read_settings(best_known), str(best_known))
        for note in notes:
            view.said(note)
    storage, prints = Storage(storage_url, create=not after), fingerprint_of(plan, corpus)
    earlier = _earlier(storage, after, space, plan, prints)
    space = space_from(space_after(space, earlier).source)  # refused now, and not when it is stored
    new = NewStudy(plan=plan, space=space.source, corpus=facts, fingerprint=prints, earlier=earlier)
    with StudyWriter(storage, name, new=new, began=began) as writer, _launching(writer, address) as launcher:
        return _run(writer, launcher, view, hooks)


def _earlier(
    storage: Storage, names: Sequence[str], space: SearchSpace, plan: StudyPlan, fingerprint: dict[str, Any]
) -> tuple[EarlierStudy, ...]:
    """What is taken from the studies that a new one comes after."""
    records = [read_study(storage, name) for name in names]
    teaches = SAMPLERS.kind(plan.sampler).has_surrogate
    return studies_before(records, space, plan, fingerprint, teaches=teaches)


def _reading(view: View) -> Callable[[int], None]:
    """Says that a long text is read, which takes a while."""
    return lambda num_bytes: view.said(f"reading {num_bytes / 1e6:,.0f} MB of text ...")


def resume_study(
    storage_url: str,
    name: str,
    view: View,
    *,
    began: float,
    accept_changes: bool = False,
    corpus: str | None = None,
    launcher: str | None = None,
    workers: int | None = None,
    address: str | None = None,
    hooks: Hooks = NO_HOOKS,
) -> StudyRecord:
    """Continue a study with its stored plan; of one that is finished only a missing test score is made up for.

    Args:
        storage_url: where it is stored.
        name: of the study.
        view: shows what happens.
        began: ``awake_s()`` from which the study's active time counts.
        accept_changes: go on although library versions or the processor have changed.
        corpus: where the study's text lies now, if it was moved.
        launcher: where its runs train from now on. [default: as before]
        workers: runs at a time from now on. [default: as before]
        address: of the cluster that its launcher is to use.
        hooks: commands that are told of it.

    Raises:
        StudyError: no such study, it is running, or what its trials depend on has changed.
    """
    storage = Storage(storage_url, create=False)
    record = read_study(storage, name)
    if corpus is not None:
        record = moved(storage, record, corpus)
    is_over = record.state == "finished"
    if is_over and not verdict_of(record).unscored:
        return record
    record = _elsewhere(record, launcher, workers)
    _check_address(record.plan, address)
    check_resumable(storage, record, accept_changes=accept_changes, command=f"resume {name}", is_over=is_over)
    with StudyWriter(storage, name, began=began) as writer:
        if (launcher, workers) != (None, None):
            writer.change_place(launcher=record.plan.launcher, workers=record.plan.workers)
        with _launching(writer, address, accept_changes=accept_changes or is_over) as place:
            return (_make_up_scores if is_over else _run)(writer, place, view, hooks)


def extend_study(
    storage_url: str,
    name: str,
    view: View,
    *,
    began: float,
    trials: int | None = None,
    hours: float | None = None,
    accept_changes: bool = False,
    address: str | None = None,
    hooks: Hooks = NO_HOOKS,
) -> StudyRecord:
    """Give a study more trials or hours and go on with it: its search, then the confirmation of what leads by then.

    One whose search was ended before all was made that is planned (settled, or at its target) goes on without more.

    Args:
        storage_url: where it is stored.
        name: of the study; finished or not, but not running.
        view: shows what happens.
        began: ``awake_s()`` from which the study's active time counts.
        trials: training runs in all, those included that were made. [default: as planned]
        hours: active time in all. [default: as planned]
        accept_changes: go on although library versions or the processor have changed.
        address: of the cluster that its launcher is to use.
        hooks: commands that are told of it.

    Raises:
        PlanError: that is not more, and the study has made what was planned; or it is more than the rule allows.
        StudyError: no such study, it is running, what its trials depend on has changed, or no time is left for a run.
    """
    storage = Storage(storage_url, create=False)
    record = read_study(storage, name)
    _more_of(record, trials=trials, hours=hours)
    asked = {"trials": trials, "hours": hours}
    command = " ".join([f"extend {name}", *(f"--{key} {value:g}" for key, value in asked.items() if value is not None)])
    _check_address(record.plan, address)
    check_resumable(storage, record, accept_changes=accept_changes, command=command)
    with (
        StudyWriter(storage, name, began=began) as writer,
        _launching(writer, address, accept_changes=accept_changes) as launcher,
    ):
        record = replace(writer.record(), stop_reason=writer.stop_reason)  # since then another process may have run it
        new = _more_of(record, trials=trials, hours=hours)
        stored_space(name, writer.space)
        writer.extend(trials=new.trials, hours=new.hours)
        return _run(writer, launcher, view, hooks)


def _more_of(record: StudyRecord, *, trials: int | None, hours: float | None) -> StudyPlan:
    """The plan with more, in which there is time for a run."""
    ended_early = record.stop_reason in ("settled", "target")
    new = more_of(record.plan, num_runs=len(record.runs), trials=trials, hours=hours, ended_early=ended_early)
    left_s, run_s = new.hours * 3600 - record.seconds_used, new.seconds + overhead_s(new, record.corpus)
    if left_s < run_s:
        raise StudyError(
            f"the study {record.name!r} has used {duration_text(record.seconds_used)} of its {new.hours:g} h, and a "
            f"run takes {duration_text(run_s)}; "
            + ("start a new study." if new.hours == MAX_HOURS else "give it more with --hours as well.")
        )
    return new


def _make_up_scores(writer: StudyWriter, launcher: Launcher, view: View, hooks: Hooks) -> StudyRecord:
    """Score the finalists of a finished study that have no score yet."""
    view = safe_view(view)
    with stop_signals() as stopped:
        FinalScoring(writer, launcher, view, home=data_home(), interrupted=stopped.is_set, is_bounded=False).score()
    return _ended(writer, view, hooks)


def _ended(writer: StudyWriter, view: View, hooks: Hooks) -> StudyRecord:
    """Let go of the study, and tell its user's command of the end."""
    writer.lock.release()
    record = writer.record()
    try:
        with stop_signals() as stopped:
            hooks.end(record, view.said, stopped=stopped.is_set)
    except BaseException:
        hooks.kill()
        raise
    return record


def _run(writer: StudyWriter, launcher: Launcher, view: View, hooks: Hooks) -> StudyRecord:
    space, view = stored_space(writer.name, writer.space), hooks.view(safe_view(view))
    if LAUNCHERS.kind(writer.plan.launcher).is_here and (others := other_trainers()):
        numbers = " and ".join(map(str, others))
        view.said(
            f"another study trains on this machine (process {numbers}): as long as it does, both train less than they "
            "could, and their runs count as starved"
        )
    try:
        with stop_signals() as stopped:
            try:
                Coordinator(writer, space, launcher, view, home=data_home(), interrupted=stopped.is_set).run()
            except (SQLAlchemyError, StorageInternalError) as problem:
                if stopped.is_set():  # nobody waits for a database that is away when he wants to leave
                    raise KeyboardInterrupt from problem
                raise
            finally:
                view.close()
        return _ended(writer, view, hooks)
    except BaseException:
        hooks.kill()
        raise


def _launching(writer: StudyWriter, address: str | None, *, accept_changes: bool = False) -> closing[Launcher]:
    """The launcher of a study; it gets ready to train while everything else does."""
    record, kind = writer.record(), LAUNCHERS.kind(writer.plan.launcher)
    if kind.has_address:
        address = record.address if address is None else address
        writer.note_address(address)
    return closing(kind.make(Site(record=record, home=data_home(), address=address, accept_changes=accept_changes)))


def _elsewhere(record: StudyRecord, launcher: str | None, workers: int | None) -> StudyRecord:
    """The study with another place for its runs, where its user has said one."""
    if launcher is not None:
        LAUNCHERS.kind(launcher)
    plan = record.plan
    plan = replace(plan, launcher=launcher or plan.launcher, workers=plan.workers if workers is None else workers)
    return replace(record, plan=plan)


def _check_address(plan: StudyPlan, address: str | None) -> None:
    if address is not None and not LAUNCHERS.kind(plan.launcher).has_address:
        raise PlanError(f"--address is for a cluster; choose --launcher ray, or leave it out with {plan.launcher!r}.")


def exit_code(record: StudyRecord) -> int:
    """0 finished, 1 stopped by an error, 130 interrupted."""
    if record.stop_reason in FINISHING_REASONS:
        return 0
    return 1 if record.stop_reason == "error" else 130

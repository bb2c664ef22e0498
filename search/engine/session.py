"""Starting and resuming studies: everything ``start`` and ``resume`` do, callable from Python."""

from contextlib import closing

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from bardtune.data.corpus import load_corpus
from bardtune.search.engine.coordinator import Coordinator
from bardtune.search.engine.planning import REGISTRIES, differences, fingerprint
from bardtune.search.engine.signals import stop_signals
from bardtune.search.launch.protocol import Launcher
from bardtune.search.launch.registry import LAUNCHERS
from bardtune.search.sampling.space import load_space, stored_space
from bardtune.search.terminal.lines import View, safe_view
from bardtune.studies.errors import StudyError
from bardtune.studies.plan import StudyPlan, check_study_name
from bardtune.studies.records import FINISHING_REASONS, StudyRecord
from bardtune.studies.store.creating import NewStudy
from bardtune.studies.store.home import data_home
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter

CHANGEABLE = ("torch", "optuna", "numpy")  # a resume may accept these to differ


def start_study(storage_url: str, name: str, plan: StudyPlan, view: View, *, began: float) -> StudyRecord:
    """Create a study and run it.

    Args:
        storage_url: where it is stored; the database is made if it is not there.
        name: of the study, not taken yet.
        plan: what to do.
        view: shows what happens.
        began: ``time.monotonic()`` from which the study's active time counts.

    Raises:
        UserError: something the user can put right; no study has been created then.
    """
    check_study_name(name)
    space, corpus = load_space(plan.space), load_corpus(plan.corpus)
    _check_packages(plan)
    facts = {"name": plan.corpus, "bytes": corpus.num_bytes, "sha256": corpus.sha256}
    new = NewStudy(plan=plan, space=space.source, corpus=facts, fingerprint=fingerprint(corpus))
    storage = Storage(storage_url, create=True)
    with StudyWriter(storage, name, new=new, began=began) as writer, _launching(plan, name) as launcher:
        return _run(writer, launcher, view)


def resume_study(storage_url: str, name: str, view: View, *, began: float, accept_changes: bool = False) -> StudyRecord:
    """Continue a study with its stored plan; one that is finished is returned as it is.

    Raises:
        StudyError: no such study, it is running, or what its trials depend on has changed.
    """
    storage = Storage(storage_url, create=False)
    record = read_study(storage, name)
    if record.state == "finished":
        return record
    _check_known(record)
    _check_cores(record)
    _check_packages(record.plan)
    _check_unchanged(storage, record, accept_changes=accept_changes)
    with StudyWriter(storage, name, began=began) as writer, _launching(writer.plan, name) as launcher:
        return _run(writer, launcher, view)


def _run(writer: StudyWriter, launcher: Launcher, view: View) -> StudyRecord:
    space, view = stored_space(writer.name, writer.space), safe_view(view)
    with stop_signals() as stopped:
        try:
            Coordinator(writer, space, launcher, view, home=data_home(), interrupted=stopped.is_set).run()
        except (SQLAlchemyError, StorageInternalError) as problem:
            if stopped.is_set():  # nobody waits for a database that is away when he wants to leave
                raise KeyboardInterrupt from problem
            raise
        finally:
            view.close()
    writer.lock.release()
    return writer.record()


def _launching(plan: StudyPlan, name: str) -> closing[Launcher]:
    """The launcher of a study; it gets ready to train while everything else does."""
    return closing(LAUNCHERS.kind(plan.launcher).make(plan, name, data_home()))


def _check_known(record: StudyRecord) -> None:
    """Another version of bardtune may have made the study with what this one has not."""
    for registry in REGISTRIES:
        name = getattr(record.plan, registry.noun)
        if name not in registry.names:
            raise StudyError(
                f"the study {record.name!r} cannot go on: this version of bardtune has no {registry.noun} {name!r}; "
                "resume it with the version that made it, or start a new study."
            )


def _check_cores(record: StudyRecord) -> None:
    """A resumed study trains with its own thread count, or not at all."""
    needed = record.plan.workers * record.plan.threads
    cores = LAUNCHERS.kind(record.plan.launcher).num_cores()
    if needed > cores:
        raise StudyError(
            f"the study {record.name!r} trains on {needed} cores and there are {cores}; resume it where there are as "
            "many, or start a new study."
        )


def _check_packages(plan: StudyPlan) -> None:
    for registry in REGISTRIES:
        registry.check_packages(getattr(plan, registry.noun))


def _check_unchanged(storage: Storage, record: StudyRecord, *, accept_changes: bool) -> None:
    now = fingerprint(load_corpus(record.plan.corpus))
    changed = differences(record.fingerprint, now)
    if not changed:
        return
    fatal = [name for name in changed if name not in CHANGEABLE]
    if fatal or not accept_changes:
        way_out = (
            "start a new study"
            if fatal
            else f"put it back, or go on all the same with: bardtune resume {record.name} --accept-changes"
        )
        raise StudyError(f"the study {record.name!r} cannot go on: {'; '.join(changed.values())}. Way out: {way_out}.")
    with StudyWriter(storage, record.name) as writer:
        writer.change_fingerprint(now)


def exit_code(record: StudyRecord) -> int:
    """0 finished, 1 stopped by an error, 130 interrupted."""
    if record.stop_reason in FINISHING_REASONS:
        return 0
    return 1 if record.stop_reason == "error" else 130

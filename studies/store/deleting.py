"""Deleting a study, with everything that belongs to it; one that was deleted half can be deleted again."""

import shutil
import socket
from dataclasses import dataclass

import optuna

from bardtune.model.training.stats import stats_from
from bardtune.studies import keys
from bardtune.studies.errors import StorageError, StudyError
from bardtune.studies.store.home import Home
from bardtune.studies.store.lock import CoordinatorLock, fenced, has_lock_row, last_host
from bardtune.studies.store.storage import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class DeletionPlan:
    """What there is of a study before it is deleted."""

    name: str
    # Names its folders; None where there are none, or where they are another study's too, which Optuna has copied.
    study_id: str | None
    parts: tuple[str, ...]  # Optuna studies to be deleted, in this order
    num_runs: int
    other_hosts: tuple[str, ...]  # other machines where it ran: what it left there stays


def plan_deletion(storage: Storage, name: str) -> DeletionPlan:
    """What would be deleted.

    Raises:
        StudyError: there is no such study, or bardtune did not make it.
    """
    there = {study.study_name: study for study in optuna.get_all_study_summaries(storage.rdb, include_best_trial=False)}
    search, others = there.get(name), there.get(keys.runs_name(name))
    known = others is not None or has_lock_row(storage.engine, name)
    if search is None and not known:
        raise StudyError(f"no study {name!r} in {storage.display_url}; see what there is with: bardtune list")
    study_id = search.user_attrs.get(keys.STUDY_ID) if search is not None else None
    is_shared = any(
        other.user_attrs.get(keys.STUDY_ID) == study_id for other in there.values() if other.study_name != name
    )
    # A study without an id is ours only if its making was cut off: it has no trial yet.
    if search is not None and study_id is None and (search.n_trials or not known):
        raise StudyError(
            f"bardtune did not make the study {name!r} and leaves it alone; delete it with: optuna delete-study"
        )
    found = [study for study in (others, search) if study is not None]  # the one with the id goes last
    return DeletionPlan(
        name=name,
        study_id=None if is_shared else study_id,
        parts=tuple(study.study_name for study in found),
        num_runs=sum(study.n_trials for study in found),
        other_hosts=_hosts_beside(storage, [study.study_name for study in found], name),
    )


def _hosts_beside(storage: Storage, parts: list[str], name: str) -> tuple[str, ...]:
    """Names of the machines that runs of the study, or whoever held it last, say they were on; without this one."""
    studies = (optuna.load_study(study_name=part, storage=storage.rdb) for part in parts)
    trials = (trial for study in studies for trial in study.get_trials(deepcopy=False))
    hosts = {host for trial in trials if (host := stats_from(trial.user_attrs.get(keys.STATS)).host)}
    if (last := last_host(storage.engine, name)) is not None:
        hosts.add(last)
    return tuple(sorted(hosts - {socket.gethostname()}))


def delete_study(storage: Storage, home: Home, name: str) -> None:
    """Delete a study: its files on this machine, its trials, its lock row, in an order that can be begun again.

    Raises:
        StudyError: no such study, or a living coordinator holds it.
        StorageError: a file that cannot be deleted; the study is still there then.
    """
    plan_deletion(storage, name)
    lock = CoordinatorLock(storage.engine, name)
    lock.acquire()
    try:
        plan = plan_deletion(storage, name)  # again: nobody else can change it now
        _delete_files(home, plan)
        with fenced(storage.rdb.engine, lock):
            for part in plan.parts:
                optuna.delete_study(study_name=part, storage=storage.rdb)
    except BaseException:
        lock.release()
        raise
    lock.forget()


def _delete_files(home: Home, plan: DeletionPlan) -> None:
    try:
        if plan.study_id is not None:
            for folder in (home.checkpoints(plan.study_id), home.weights_folder(plan.study_id)):
                if folder.exists():
                    shutil.rmtree(folder)
        for log in home.logs_of(plan.name):
            log.unlink(missing_ok=True)
    except OSError as problem:
        raise StorageError(
            f"cannot delete {problem.filename}: {problem.strerror}; the study {plan.name!r} is still there: put that "
            "right and delete it again."
        ) from problem

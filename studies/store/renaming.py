"""Giving a study another name, with all that is called after it."""

import contextlib
import os

import sqlalchemy as sa
from optuna.storages._rdb.models import StudyModel

from bardtune.studies import keys
from bardtune.studies.errors import StudyError
from bardtune.studies.plan import check_study_name
from bardtune.studies.store.home import Home
from bardtune.studies.store.lock import CoordinatorLock, coordinators
from bardtune.studies.store.reading import load
from bardtune.studies.store.storage import Storage


def rename_study(storage: Storage, home: Home, old: str, new: str) -> None:
    """Rename a study: both of its Optuna studies, its lock row and its logs on this machine.

    Raises:
        PlanError: no study can have that name.
        StudyError: no such study, the name is taken, or a living coordinator holds the study.
    """
    check_study_name(new)
    load(storage, old)
    lock = CoordinatorLock(storage.engine, old)
    lock.acquire()
    try:
        _rename_rows(storage, old, new)
        lock.study_name = new
    finally:
        lock.release()
    _rename_logs(home, old, new)


def _rename_rows(storage: Storage, old: str, new: str) -> None:
    """All in one transaction: nobody finds half of a study."""
    names = {old: new, keys.runs_name(old): keys.runs_name(new)}
    with storage.engine.begin() as connection:
        taken = connection.execute(
            sa.select(StudyModel.study_name).where(StudyModel.study_name.in_(list(names.values())))
        ).first()
        if taken is not None:
            raise StudyError(f"the name {new!r} is taken; choose another one, or delete that study first.")
        for before, after in names.items():
            renamed = sa.update(StudyModel).where(StudyModel.study_name == before).values(study_name=after)
            connection.execute(renamed)
        of_new = coordinators.c.study_name == new
        connection.execute(sa.delete(coordinators).where(of_new))  # of a study of that name that was deleted
        own = sa.update(coordinators).where(coordinators.c.study_name == old).values(study_name=new)
        connection.execute(own)


def _rename_logs(home: Home, old: str, new: str) -> None:
    for log in home.logs_of(old):
        with contextlib.suppress(OSError):
            os.replace(log, log.with_name(new + log.name.removeprefix(old)))

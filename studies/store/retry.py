"""A database that is away for a while costs a wait: what was asked of it is asked again.

Only one process writes to a study (``studies/store/lock.py``), so an answer that was lost on the way can be told from a
question that never arrived.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import wraps
from itertools import count
from typing import Any, TypeVar

import sqlalchemy.exc
from optuna.exceptions import DuplicatedStudyError, StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb.models import TrialModel
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import func
from sqlalchemy.orm import Session

from bardtune.data.awake import awake_s

logger = logging.getLogger(__name__)

RETRY_FOR_S = 300.0  # longer than any restart of a server
PAUSE_S = 0.5
_asking = threading.local()  # whether this thread is within ``with_retry`` already
shutting_down = threading.Event()  # set when somebody wants this process to end: nothing is waited for any more
_LOST_BEFORE = "8s2b"  # SQLAlchemy's code: asked of a connection that was lost in the same transaction
_NOT_PASSING = ("disk full", "no space left", "permission denied", "password authentication", "does not exist")

T = TypeVar("T")


def with_retry(
    action: Callable[[], T], *, retry_for_s: float = RETRY_FOR_S, sleep: Callable[[float], None] = time.sleep
) -> T:
    """Do ``action``, again and again while the database is away.

    Args:
        action: may be done twice.
        retry_for_s: for how long.

    Raises:
        what ``action`` raises, where that is something else than a database that is away, or the time is over; a
        process that is ``shutting_down`` does not wait at all.
    """
    if getattr(_asking, "is_so", False):
        return action()  # of a question that is asked again as a whole
    _asking.is_so = True
    try:
        return _ask_again(action, retry_for_s, sleep)
    finally:
        _asking.is_so = False


def _ask_again(action: Callable[[], T], retry_for_s: float, sleep: Callable[[float], None]) -> T:
    began: float | None = None
    while True:
        try:
            answer = action()
        except (sqlalchemy.exc.SQLAlchemyError, StorageInternalError) as problem:
            if shutting_down.is_set() or not is_passing(problem):
                raise
            if began is None:
                began = awake_s()
                logger.warning("the database does not answer; waiting for it for up to %.0f s", retry_for_s)
            if awake_s() - began > retry_for_s:
                raise
            sleep(PAUSE_S)
        else:
            if began is not None:
                logger.warning("the database answers again after %.0f s", awake_s() - began)
            return answer


def is_passing(problem: BaseException) -> bool:
    """Whether this is a server that is away or a file that is busy, rather than a question it will never answer."""
    inner: BaseException | None = problem
    while inner is not None and not isinstance(inner, sqlalchemy.exc.SQLAlchemyError):
        inner = inner.__cause__
    if isinstance(inner, sqlalchemy.exc.PendingRollbackError):
        return inner.code == _LOST_BEFORE  # Optuna asks on where a question was not answered
    if not isinstance(inner, sqlalchemy.exc.DBAPIError):
        return False
    words = str(inner.orig).lower()
    if isinstance(inner.orig, sqlite3.Error):
        return "locked" in words or "busy" in words
    if any(each in words for each in _NOT_PASSING):
        return False
    return inner.connection_invalidated or isinstance(
        inner, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError)
    )


def _retried(method: Callable[..., T]) -> Callable[..., T]:
    @wraps(method)
    def ask(*args: Any, **named: Any) -> T:
        return with_retry(lambda: method(*args, **named))

    return ask


def _with_retry_flag(action: Callable[[bool], T]) -> T:
    """As ``with_retry``, for an action that must not be done twice.

    It is called with True when it was tried before: then it may have been done, and only the answer was lost.
    """
    tries = count()
    return with_retry(lambda: action(next(tries) > 0))


class RetryingStorage(RDBStorage):
    """Optuna's storage, except that it waits for a database that is away.

    What was done although the answer was lost is not done again. This holds for studies that one process writes to.
    """

    _newest_before: int | None = None  # trial when a new one was first asked for; 0: there was none

    # What Optuna's cache asks beside the methods of ``BaseStorage``, which are wrapped below, all of them.
    _set_trial_param = _retried(RDBStorage._set_trial_param)
    _get_trials = _retried(RDBStorage._get_trials)

    def create_new_study(self, directions: Any, study_name: str | None = None) -> int:
        """As Optuna's; a study that was stored although the answer was lost is not refused the second time."""

        def create(again: bool) -> int:
            try:
                return RDBStorage.create_new_study(self, directions, study_name)
            except DuplicatedStudyError:
                if again and study_name is not None:
                    return self.get_study_id_from_name(study_name)
                raise

        return _with_retry_flag(create)

    def delete_study(self, study_id: int) -> None:
        """As Optuna's; a study that was deleted although the answer was lost is not missed the second time."""

        def delete(again: bool) -> None:
            try:
                RDBStorage.delete_study(self, study_id)
            except KeyError:
                if not again:
                    raise

        _with_retry_flag(delete)

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        self._newest_before = None
        return with_retry(lambda: RDBStorage._create_new_trial(self, study_id, template_trial))

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: Session
    ) -> TrialModel:
        """As Optuna's, which asks again by itself too; a trial that was stored the first time is found the second."""
        of_study = session.query(func.max(TrialModel.trial_id)).filter(TrialModel.study_id == study_id)
        newest: int = of_study.scalar() or 0
        if self._newest_before is None:
            self._newest_before = newest
        if newest > self._newest_before:
            return TrialModel.find_or_raise_by_id(newest, session)
        return super()._get_prepared_new_trial(study_id, template_trial, session)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        """As Optuna's; a state that was stored although the answer was lost is not refused the second time."""

        def set_state(again: bool) -> bool:
            try:
                done = RDBStorage.set_trial_state_values(self, trial_id, state, values)
            except UpdateFinishedTrialError:
                if again and self.get_trial(trial_id).state == state:
                    return True
                raise
            return done or (again and self.get_trial(trial_id).state == state)

        return _with_retry_flag(set_state)


# They ask the database nothing, or by another method that is wrapped.
NO_QUESTIONS = ("remove_session", "check_trial_is_updatable", "create_new_trial")
for _name, _method in vars(BaseStorage).items():
    if callable(_method) and not _name.startswith("_") and _name not in (*vars(RetryingStorage), *NO_QUESTIONS):
        setattr(RetryingStorage, _name, _retried(getattr(RDBStorage, _name)))

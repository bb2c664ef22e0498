"""An answer of the database that is lost on the way: what was done is not done again."""

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import optuna
import pytest
import sqlalchemy.exc
from optuna.storages import BaseStorage
from sqlalchemy.engine import Dialect
from sqlalchemy.pool import PoolProxiedConnection

from bardtune.studies.records import StudyRecord
from bardtune.studies.store import retry
from bardtune.studies.store.deleting import delete_study
from bardtune.studies.store.home import Home
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from support.fakes import ScriptedLauncher, falling_to
from support.studies_at_hand import make_study, run_study, storage_at

LoseAnswers = Callable[..., AbstractContextManager[list[int]]]


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setattr(retry, "PAUSE_S", 0.0)
    monkeypatch.setattr("time.sleep", lambda _: None)  # Optuna's own, before it asks again
    return storage_at(tmp_path)


@contextmanager
def answers_lost(storage: Storage, *, share: float, seed: int = 0) -> Iterator[list[int]]:
    """Some commits are made, and their answer is lost; counts them."""
    chance, lost = random.Random(seed), []

    def commit_and_lose(dialect: Dialect, connection: PoolProxiedConnection) -> None:
        connection.commit()
        if chance.random() < share:
            lost.append(1)
            raise sqlite3.OperationalError("database is locked")

    with pytest.MonkeyPatch.context() as patch:
        for engine in (storage.engine, storage.rdb.engine):
            patch.setattr(engine.dialect, "do_commit", partial(commit_and_lose, engine.dialect))
        yield lost


def run(storage: Storage, folder: Path, name: str) -> StudyRecord:
    launcher = ScriptedLauncher(lambda order: falling_to(2.0 + order.settings["learning_rate"]))
    return run_study(storage, folder, launcher, name)


@pytest.mark.long
def test_lost_answers_do_not_change_what_a_study_draws(storage: Storage, tmp_path: Path) -> None:
    for name in ("undisturbed", "disturbed"):
        make_study(storage, name, trials=6, sampler="random")
    expected = run(storage, tmp_path, "undisturbed")
    with answers_lost(storage, share=0.3) as lost:
        found = run(storage, tmp_path, "disturbed")
    assert len(lost) > 20
    assert found.counts() == expected.counts()
    assert [(each.number, each.params) for each in found.search_runs] == [
        (each.number, each.params) for each in expected.search_runs
    ]


def test_a_point_whose_queueing_was_not_answered_waits_once(storage: Storage) -> None:
    make_study(storage)
    with StudyWriter(storage, "s") as writer:
        with answers_lost(storage, share=0.5):
            writer.enqueue({"d_model": 64, "learning_rate": 1e-3})
        assert len(writer.search.get_trials()) == 1


def test_a_study_is_made_and_deleted_although_no_answer_comes_the_first_time(storage: Storage, tmp_path: Path) -> None:
    for seed in range(3):
        with answers_lost(storage, share=0.5, seed=seed):
            make_study(storage)
            delete_study(storage, Home(tmp_path), "s")
        assert optuna.get_all_study_names(storage.rdb) == []


def away() -> None:
    raise sqlalchemy.exc.OperationalError("SELECT 1", {}, ConnectionError("the server is away"))


def test_a_process_that_is_to_end_waits_for_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(retry, "shutting_down", threading.Event())

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            retry.shutting_down.set()

    for _ in range(2):
        with pytest.raises(sqlalchemy.exc.OperationalError, match="away"):
            retry.with_retry(away, sleep=pause)
    assert len(pauses) == 3


def test_no_question_of_optunas_storages_goes_unwrapped() -> None:
    """Whatever a later Optuna asks a storage for is asked again, too."""
    asked = {name for name, method in vars(BaseStorage).items() if callable(method) and not name.startswith("_")}
    own = {name for name in asked if name in vars(retry.RetryingStorage)}
    assert asked - own == set(retry.NO_QUESTIONS)


def test_a_question_within_a_question_is_not_waited_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    slept: list[float] = []

    def inner() -> None:
        asked.append("inner")
        raise sqlalchemy.exc.OperationalError("select", {}, sqlite3.OperationalError("database is locked"))

    def outer() -> None:
        asked.append("outer")
        retry.with_retry(inner, retry_for_s=0.0)

    with pytest.raises(sqlalchemy.exc.OperationalError):
        retry.with_retry(outer, retry_for_s=0.0, sleep=slept.append)
    assert asked == ["outer", "inner"] * (len(asked) // 2)
    assert len(slept) == len(asked) // 2 - 1

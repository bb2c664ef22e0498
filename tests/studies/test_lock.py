"""The coordinator's lock: one owner at a time, and a dead one does not hold it."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from bardtune.data.awake import awake_s
from bardtune.studies.errors import StudyError
from bardtune.studies.store.lock import (
    CoordinatorLock,
    OwnershipLostError,
    coordinators,
    fenced,
    lock_state,
    metadata,
)
from bardtune.studies.store.owner import LEASE_S, Owner


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'locks.db'}", connect_args={"timeout": 30})
    metadata.create_all(engine)
    return engine


def pretend(engine: sa.Engine, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(coordinators.update().values(**values))


def test_a_second_owner_is_refused_and_told_who_holds_the_study(engine: sa.Engine) -> None:
    CoordinatorLock(engine, "s").acquire()
    with pytest.raises(StudyError, match=rf"process {os.getpid()} on "):
        CoordinatorLock(engine, "s").acquire()
    CoordinatorLock(engine, "another").acquire()


def test_a_released_study_can_be_taken(engine: sa.Engine) -> None:
    first = CoordinatorLock(engine, "s")
    first.acquire()
    assert lock_state(engine, "s").held
    first.release()
    assert not lock_state(engine, "s").held
    CoordinatorLock(engine, "s").acquire()


def test_a_dead_owner_on_this_host_is_replaced_at_once(engine: sa.Engine) -> None:
    CoordinatorLock(engine, "s").acquire()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    pretend(engine, pid=dead.pid)
    assert not lock_state(engine, "s").held
    CoordinatorLock(engine, "s").acquire()


@pytest.mark.parametrize("mark", [{"process_start": "1"}, {"boot_id": "an earlier boot"}])
def test_a_later_process_with_the_same_pid_is_not_the_owner(engine: sa.Engine, mark: dict[str, str]) -> None:
    CoordinatorLock(engine, "s").acquire()
    pretend(engine, **mark)
    CoordinatorLock(engine, "s", sleep=lambda _: None).acquire()


def test_an_owner_that_only_has_this_hosts_name_is_watched_before_it_is_replaced(engine: sa.Engine) -> None:
    held = CoordinatorLock(engine, "s")
    held.acquire()
    boot_id = Owner.this_process().boot_id.partition(" ")[0]
    pretend(engine, boot_id=f"{boot_id} another container's", pid=2**22 + 1)
    assert lock_state(engine, "s").held
    with pytest.raises(StudyError, match="is being run"):
        CoordinatorLock(engine, "s", sleep=lambda _: held.verify()).acquire()
    watched: list[float] = []
    CoordinatorLock(engine, "s", sleep=watched.append).acquire()
    assert len(watched) == 1


def test_an_owner_of_another_boot_of_a_machine_of_this_name_is_watched(engine: sa.Engine) -> None:
    held = CoordinatorLock(engine, "s")
    held.acquire()
    pretend(engine, boot_id="another boot")  # this machine, started again, or another of its name at the same file
    assert lock_state(engine, "s").held
    with pytest.raises(StudyError, match="is being run by"):
        CoordinatorLock(engine, "s", sleep=lambda _: held.verify()).acquire()
    watched: list[float] = []
    CoordinatorLock(engine, "s", sleep=watched.append).acquire()
    assert len(watched) == 1


def test_an_owner_that_was_replaced_notices_before_it_writes(engine: sa.Engine) -> None:
    first = CoordinatorLock(engine, "s")
    first.acquire()
    pretend(engine, boot_id="an earlier boot")
    second = CoordinatorLock(engine, "s", sleep=lambda _: None)
    second.acquire()
    with pytest.raises(OwnershipLostError):
        first.verify()
    first.release()
    second.verify()
    assert lock_state(engine, "s").held


def test_active_seconds_are_kept_from_one_session_to_the_next(engine: sa.Engine) -> None:
    first = CoordinatorLock(engine, "s")
    first.acquire()
    first.count_from(awake_s() - 100)
    first.release()
    second = CoordinatorLock(engine, "s")
    second.acquire()
    second.count_from(awake_s())
    assert 100 <= second.seconds_used() < 110
    assert 100 <= lock_state(engine, "s").seconds_used < 110


def test_of_many_who_want_a_study_at_once_one_gets_it(engine: sa.Engine) -> None:
    won: list[str] = []
    gate = threading.Barrier(8)

    def want() -> None:
        lock = CoordinatorLock(engine, "s")
        gate.wait()
        try:
            lock.acquire()
        except StudyError:
            return
        won.append(lock.token)

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


@pytest.fixture
def table(engine: sa.Engine) -> sa.Table:
    table = sa.Table("facts", sa.MetaData(), sa.Column("fact", sa.String))
    table.create(engine)
    return table


def facts(engine: sa.Engine, table: sa.Table) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(table.c.fact)).scalars())


def write(engine: sa.Engine, table: sa.Table, fact: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(table).values(fact=fact))


def test_what_a_replaced_owner_was_about_to_commit_is_undone(engine: sa.Engine, table: sa.Table) -> None:
    lock = CoordinatorLock(engine, "s")
    lock.acquire()
    writing = sa.create_engine(engine.url)
    with fenced(writing, lock):
        write(writing, table, "mine")
        pretend(engine, token="another's")
        with pytest.raises(OwnershipLostError):
            write(writing, table, "too late")
        assert facts(writing, table) == ["mine"]  # reading stays free
    write(writing, table, "unfenced")
    assert facts(engine, table) == ["mine", "unfenced"]


def test_a_connection_that_is_lost_after_a_write_raises_what_happened(engine: sa.Engine, table: sa.Table) -> None:
    lock = CoordinatorLock(engine, "s")
    lock.acquire()
    writing = sa.create_engine(engine.url)

    def write_and_lose() -> None:
        with writing.begin() as connection:
            connection.execute(sa.insert(table).values(fact="undone"))
            connection.invalidate()
            raise ConnectionError("lost")

    with fenced(writing, lock):
        with pytest.raises(ConnectionError, match="lost"):
            write_and_lose()
        write(writing, table, "again")
    assert facts(engine, table) == ["again"]


def test_an_owner_whose_row_is_gone_writes_no_more(engine: sa.Engine, table: sa.Table) -> None:
    lock = CoordinatorLock(engine, "s")
    lock.acquire()
    with engine.begin() as connection:
        connection.execute(coordinators.delete())
    writing = sa.create_engine(engine.url)
    with fenced(writing, lock), pytest.raises(OwnershipLostError):
        write(writing, table, "too late")
    assert facts(engine, table) == []


def test_an_owner_elsewhere_whose_clock_differs_is_watched_before_it_is_replaced(engine: sa.Engine) -> None:
    held = CoordinatorLock(engine, "s")
    held.acquire()
    for off_s in (-2 * LEASE_S, 3600.0):
        pretend(engine, host="elsewhere", renewed_at=time.time() + off_s)
        alive = CoordinatorLock(engine, "s", sleep=lambda _, off_s=off_s: pretend(engine, renewed_at=off_s))
        with pytest.raises(StudyError, match="elsewhere"):
            alive.acquire()  # it renewed while it was watched
    watched: list[float] = []
    CoordinatorLock(engine, "s", sleep=watched.append).acquire()
    assert len(watched) == 1
    with pytest.raises(OwnershipLostError):
        held.verify()


def test_an_owner_of_an_older_version_is_watched_where_it_cannot_be_seen(engine: sa.Engine) -> None:
    held = CoordinatorLock(engine, "s")
    held.acquire()
    pretend(engine, process_start="", boot_id="")  # all that was stored outside of Linux
    assert lock_state(engine, "s").held
    with pytest.raises(StudyError, match="is being run"):
        CoordinatorLock(engine, "s", sleep=lambda _: held.verify()).acquire()
    pretend(engine, renewed_at=time.time() - 2 * LEASE_S)
    with pytest.raises(StudyError, match="is being run"):  # it was suspended, and wakes up
        CoordinatorLock(engine, "s", sleep=lambda _: held.verify()).acquire()
    CoordinatorLock(engine, "s", sleep=lambda _: None).acquire()
    with pytest.raises(OwnershipLostError):
        held.verify()

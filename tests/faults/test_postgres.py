"""A study on a PostgreSQL server: nothing but a wait when the server restarts."""

import json
import os
import random
import signal
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa

from bardtune.studies.errors import StudyError
from bardtune.studies.store import completion as names
from bardtune.studies.store import retry
from bardtune.studies.store.deleting import delete_study
from bardtune.studies.store.home import Home
from bardtune.studies.store.lock import CoordinatorLock, OwnershipLostError, coordinators
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from support.at_hand import Place, kill, wait_until
from support.fakes import ScriptedLauncher, falling_to
from support.postgres import PASSWORD, Server, find_binaries
from support.studies_at_hand import make_study, run_study


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    binaries = find_binaries()
    if binaries is None:
        assert not os.environ.get("CI"), "CI must install PostgreSQL"
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    server = Server(binaries)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def place(tmp_path: Path, server: Server) -> Iterator[Place]:
    place = Place.at(tmp_path, server.url)
    yield place
    place.end_all()


@pytest.mark.long
def test_a_server_that_restarts_twice_costs_a_six_trial_study_nothing_but_a_wait(place: Place, server: Server) -> None:
    process = place.start("restarted", trials=6, seconds=1.5)
    for number in (1, 3):
        place.wait_for("restarted", lambda state, number=number: state["trials"]["complete"] >= number)
        server.stop()
        time.sleep(1.0)
        server.start()
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "the database does not answer; waiting" in errors
    state = place.shown("restarted")
    assert state["trials"]["complete"] == state["trials"]["total"] == 6
    shown = place.run("show", "restarted").stdout
    assert PASSWORD not in "".join([out, errors, shown, json.dumps(state)])
    assert "will:***@" in shown


@pytest.mark.parametrize(
    ("seed", "kills"),
    [
        pytest.param(1564, 2, marks=pytest.mark.long),
        *(pytest.param(seed, 100, marks=pytest.mark.long) for seed in range(2)),
    ],
)
def test_a_server_that_is_killed_at_any_moment_costs_a_study_nothing(
    place: Place, server: Server, seed: int, kills: int
) -> None:
    chance, studies = random.Random(seed), 0
    while kills > 0:
        studies += 1
        name = f"server-killed-{seed}-{studies}"
        process = place.start(name, trials=6, seconds=1)
        place.wait_for(name, lambda state: state["trials"]["total"] >= 1)
        while kills > 0 and process.poll() is None:
            time.sleep(chance.uniform(0.1, 3.0))
            server.kill()
            time.sleep(chance.uniform(0.0, 1.0))
            server.start()
            kills -= 1
        _, errors = process.communicate(timeout=240)
        state = place.shown(name)
        assert (process.returncode, state["state"]) == (0, "finished"), errors
        assert state["trials"]["complete"] == state["trials"]["total"] == 6, state


@pytest.mark.long
def test_a_killed_study_is_resumed_from_the_server(place: Place) -> None:
    process = place.start("killed", trials=4, seconds=1.5)
    place.wait_for("killed", lambda state: state["trials"]["complete"] >= 1)
    kill(process)
    state = place.finish("killed")
    assert state["trials"]["complete"] == state["trials"]["total"] == 4


@pytest.mark.long
def test_a_study_is_looked_at_from_all_sides_while_it_is_run(place: Place) -> None:
    process = place.start("looked-at", trials=4, seconds=4, confirm=0)
    place.wait_for("looked-at", lambda state: state["state"] == "running")
    dashboard = place.begin("dashboard", "--port", "0")
    watching = place.begin("watch", "looked-at")
    assert dashboard.stderr is not None
    address = dashboard.stderr.readline().split("http://")[1].split("/")[0]
    with urllib.request.urlopen(f"http://{address}/api/studies", timeout=60) as answer:
        listed = {each["study_name"]: each["study_id"] for each in json.load(answer)["study_summaries"]}
    with urllib.request.urlopen(f"http://{address}/api/studies/{listed['looked-at']}?after=0", timeout=60) as answer:
        assert answer.status == 200
    page = place.folder / "page.html"
    table = place.run("trials", "looked-at", "--jsonl")
    report = place.run("report", "looked-at", "--out", str(page))
    out, errors = process.communicate(timeout=240)
    _, watched = watching.communicate(timeout=60)
    dashboard.send_signal(signal.SIGINT)
    _, served = dashboard.communicate(timeout=60)
    assert (table.returncode, report.returncode) == (0, 0), (table.stderr, report.stderr)
    assert all(json.loads(line)["ending"] for line in table.stdout.splitlines()[:-1])
    assert (process.returncode, watching.returncode, dashboard.returncode, served) == (0, 0, 0, ""), watched
    assert "the database does not answer" not in errors
    assert "trial 2" in watched
    assert PASSWORD not in "".join([out, errors, watched, table.stdout, table.stderr, report.stderr, page.read_text()])
    state = place.shown("looked-at")
    assert state["trials"]["complete"] == state["trials"]["total"] == 4


@pytest.mark.long
def test_who_wants_to_leave_does_not_wait_for_a_server_that_is_away(place: Place, server: Server) -> None:
    process = place.start("left", trials=1, seconds=120, hours=1)
    wait_until(lambda: any((place.home / "checkpoints").rglob("*.pt")))
    server.stop()
    try:
        time.sleep(3.0)  # by now it waits for the server
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, errors = process.communicate(timeout=60)
    finally:
        server.start()
    assert time.monotonic() - began < 10
    assert (process.returncode, "Traceback" in errors) == (130, False), errors
    assert "the database does not answer; waiting" in errors
    state = place.shown("left")
    assert (state["state"], state["trials"]["interrupted"], state["trials"]["total"]) == ("interrupted", 1, 1)


def test_a_server_that_cannot_be_reached_is_one_sentence_without_the_password(place: Place, server: Server) -> None:
    for url in (server.url.replace(str(server.port), "1"), server.url.replace("will:", "nobody:")):
        done = Place(place.folder, url).run("list")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert PASSWORD not in done.stderr


@pytest.fixture
def storage(server: Server) -> Storage:
    storage = Storage(server.url, create=True)
    for summary in optuna.get_all_study_summaries(storage.rdb):
        if summary.study_name.removesuffix(":runs") == "s":
            optuna.delete_study(study_name=summary.study_name, storage=storage.rdb)
    with storage.engine.begin() as connection:
        connection.execute(sa.delete(coordinators))
    return storage


def test_a_whole_study_with_pruning_is_stored_and_read_back(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=12, sampler="random")
    launcher = ScriptedLauncher(lambda order: falling_to(2.0 + order.settings["learning_rate"]))
    record = run_study(storage, tmp_path, launcher)
    assert record.counts()["total"] == 12
    assert record.best is not None
    assert PASSWORD not in record.storage


def test_a_connection_that_is_lost_in_the_middle_of_a_transaction_costs_a_study_nothing(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "PAUSE_S", 0.0)
    make_study(storage, trials=8, sampler="random")
    killer = sa.create_engine(storage.url)
    made: Counter[str] = Counter()  # statements in transactions, by their kind
    lost: set[str] = set()

    def lose(connection: sa.Connection, _: object, statement: str, *__: object) -> None:
        kind = statement.split()[0]
        made[kind] += connection.in_transaction()
        if connection.in_transaction() and made[kind] % 50 == 3:
            lost.add(kind)
            backend = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            with killer.connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": backend})

    for engine in (storage.engine, storage.rdb.engine):
        sa.event.listen(engine, "before_cursor_execute", lose)
    record = run_study(
        storage, tmp_path, ScriptedLauncher(lambda order: falling_to(2.0 + order.settings["learning_rate"]))
    )
    for engine in (storage.engine, storage.rdb.engine):
        sa.event.remove(engine, "before_cursor_execute", lose)
    assert lost >= {"SELECT", "INSERT", "UPDATE"}
    assert record.counts()["total"] == record.counts()["complete"] + record.counts()["pruned"] == 8
    assert [trial.number for trial in record.search_runs] == list(range(7))  # and the baseline


def test_the_server_refuses_what_a_reader_writes(storage: Storage) -> None:
    make_study(storage)
    reader = ReadOnlyStorage(storage_url(storage))
    for _ in range(2):  # also through a connection that comes back from the pool
        with pytest.raises(sa.exc.DBAPIError, match="read-only"), reader.engine.begin() as connection:
            connection.execute(sa.delete(coordinators))
        with pytest.raises(optuna.exceptions.StorageInternalError):
            reader.rdb.set_study_user_attr(reader.rdb.get_study_id_from_name("s"), "written", True)
    assert read_study(reader, "s").state == "interrupted"


def test_a_server_that_vanishes_is_noticed(storage: Storage) -> None:
    connection = storage.engine.raw_connection()
    assert connection.driver_connection is not None
    assert connection.driver_connection.info.get_parameters()["tcp_user_timeout"] == "30000"
    connection.close()


def test_names_on_a_server_are_completed(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    make_study(storage)
    monkeypatch.setattr(names, "SERVER_PATIENCE_S", 300.0)  # how fast the machine is, is not the question
    assert "s" in names.quick_names(storage_url(storage))


def test_a_transaction_of_an_owner_that_was_replaced_is_undone(storage: Storage) -> None:
    make_study(storage)
    with StudyWriter(storage, "s") as writer:
        with storage.engine.begin() as connection:
            connection.execute(coordinators.update().values(token="another's"))
        with pytest.raises(OwnershipLostError):
            writer.search.set_user_attr("written", True)
    again = Storage(storage_url(storage), create=False)
    assert "written" not in optuna.load_study(study_name="s", storage=again.rdb).user_attrs


def test_a_deleted_study_leaves_no_row_on_the_server(storage: Storage, tmp_path: Path) -> None:
    for _ in range(2):  # its name can be used again
        make_study(storage, trials=3)
        run_study(storage, tmp_path, ScriptedLauncher(lambda order: falling_to(2.0)))
        delete_study(storage, Home(tmp_path), "s")
        assert not {"s", "s:runs"} & set(optuna.get_all_study_names(storage.rdb))
        with storage.engine.connect() as connection:
            assert connection.execute(sa.select(coordinators)).all() == []


def storage_url(storage: Storage) -> str:
    return storage.url.render_as_string(hide_password=False)


def test_of_many_who_want_a_study_at_once_one_gets_it(storage: Storage) -> None:
    won: list[str] = []
    gate = threading.Barrier(6)

    def want() -> None:
        lock = CoordinatorLock(Storage(storage_url(storage), create=False).engine, "s")
        gate.wait()
        try:
            lock.acquire()
        except StudyError:
            return
        won.append(lock.token)

    threads = [threading.Thread(target=want) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_an_owner_elsewhere_is_judged_by_the_servers_clock(storage: Storage) -> None:
    make_study(storage)
    lock = CoordinatorLock(storage.engine, "s")
    lock.acquire()
    with storage.engine.begin() as connection:
        connection.execute(coordinators.update().values(host="elsewhere"))
    assert read_study(storage, "s").state == "running"
    with storage.engine.begin() as connection:
        connection.execute(coordinators.update().values(renewed_at=coordinators.c.renewed_at - 61))
    assert read_study(storage, "s").state == "interrupted"
    other = CoordinatorLock(storage.engine, "s", sleep=lambda _: lock.verify())
    with pytest.raises(StudyError, match="elsewhere"):
        other.acquire()  # it renewed while it was watched

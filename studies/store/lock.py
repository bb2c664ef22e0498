"""One coordinator owns a study while it runs: a row in the study's database says who.

An owner on this host is known to live or to be dead. One that cannot be seen from here keeps a lease: it renews its
row, and a challenger that cannot trust the two hosts' clocks, or their names, watches whether it still does. An owner
that was taken for dead and wakes up writes nothing more: each of its transactions checks the row before it commits
(``fenced``).
"""

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from bardtune.data.awake import awake_s, sleep_awake
from bardtune.studies.errors import StudyError
from bardtune.studies.store.owner import Owner
from bardtune.studies.store.retry import with_retry

RENEW_EVERY_S = 2.0
WATCH_S = 5 * RENEW_EVERY_S  # how long an owner whose lease seems to be over is watched, in case the clocks differ

metadata = sa.MetaData()
coordinators = sa.Table(
    "bardtune_coordinators",
    metadata,
    sa.Column("study_name", sa.String(512), primary_key=True),
    sa.Column("token", sa.String(64)),  # null: nobody owns the study
    sa.Column("host", sa.String(256)),
    sa.Column("pid", sa.Integer),
    sa.Column("process_start", sa.String(64)),  # tells a process from a later one with the same pid
    sa.Column("boot_id", sa.String(64)),
    sa.Column("renewed_at", sa.Float),  # seconds since the epoch
    sa.Column("seconds_used", sa.Float, nullable=False),  # active time of the study, over all sessions
)


class OwnershipLostError(Exception):
    """Another coordinator has taken the study; this one must not write any more."""


class CoordinatorLock:
    """The lock of one study; also keeps the study's active seconds, which only its owner adds to.

    Args:
        engine: the study's database.
        study_name: of the study.
        sleep: how another host's owner is watched.
        clock: of the active seconds.
    """

    def __init__(
        self,
        engine: sa.Engine,
        study_name: str,
        *,
        sleep: Callable[[float], None] = sleep_awake,
        clock: Callable[[], float] = awake_s,
    ) -> None:
        self.engine, self.study_name, self.sleep, self.clock = engine, study_name, sleep, clock
        self.token = uuid.uuid4().hex
        self.began: float | None = None  # active time is counted from here; None: it is not
        self.used_before_s = 0.0
        self._renewed = 0.0

    def acquire(self) -> None:
        """Take the study, also from a dead owner; may watch one on another host for some seconds.

        Raises:
            StudyError: a living coordinator holds it.
        """
        if not sa.inspect(self.engine).has_table(coordinators.name):  # studies that were copied into this database
            metadata.create_all(self.engine)
        for _ in range(10):
            row, now = _row(self.engine, self.study_name)
            owner = _owner(row)
            if row is not None and row.token == self.token:
                self.used_before_s = row.seconds_used
                return
            if row is not None and owner is not None and self._lives(owner, row.renewed_at, now):
                raise StudyError(
                    f"the study {self.study_name!r} is being run by process {owner.pid} on {owner.host}; wait for it, "
                    f"or stop it first (on {owner.host}: kill {owner.pid})."
                )
            with_retry(partial(self._take, row))  # and see in the row whether it is ours: an answer may get lost
        raise StudyError(f"several processes want the study {self.study_name!r} at once; try again.")

    def count_from(self, began: float) -> None:
        """Count active time from this moment of the clock on."""
        self.began = began

    def forget_time(self) -> None:
        """Nothing has been used: what an earlier study of this name has left behind does not count."""
        self.used_before_s = 0.0

    def seconds_used(self) -> float:
        """Active time of the study up to now."""
        return self.used_before_s + (0.0 if self.began is None else self.clock() - self.began)

    def renew(self) -> None:
        """Keep the lease and note the time used; cheap to call often.

        Raises:
            OwnershipLostError: somebody else has the study.
        """
        if time.monotonic() - self._renewed >= RENEW_EVERY_S:
            self.verify()

    def verify(self) -> None:
        """Renew now; raises OwnershipLostError when the token in the database is not ours."""
        self._write(token=self.token, renewed_at=_now(self.engine.dialect.name), seconds_used=self.seconds_used())
        self._renewed = time.monotonic()

    def forget(self) -> None:
        """Let go of a study that is no more: its row goes too. Quiet if the row is no longer ours."""

        def delete() -> None:
            with self.engine.begin() as connection:
                connection.execute(sa.delete(coordinators).where(self._mine()))

        with_retry(delete)

    def release(self) -> None:
        """Let go; quiet if the study is no longer ours."""
        with contextlib.suppress(OwnershipLostError):
            self._write(token=None, renewed_at=_now(self.engine.dialect.name), seconds_used=self.seconds_used())

    def _lives(self, owner: Owner, renewed_at: float, now: float) -> bool:
        runs = owner.runs()
        if runs is not None or owner.lease_is_plain(renewed_at, now):
            return runs is not False
        self.sleep(WATCH_S)
        row, _ = _row(self.engine, self.study_name)
        return row is not None and row.renewed_at != renewed_at

    def _mine(self) -> "sa.ColumnElement[bool]":
        return (coordinators.c.study_name == self.study_name) & (coordinators.c.token == self.token)

    def _write(self, **values: object) -> None:
        def write() -> int:
            with self.engine.begin() as connection:
                return connection.execute(sa.update(coordinators).where(self._mine()).values(**values)).rowcount

        if with_retry(write) != 1:
            raise OwnershipLostError(f"another coordinator has taken the study {self.study_name!r}")

    def _take(self, row: "sa.Row[tuple[object, ...]] | None") -> None:
        """Write our token if the row is still as read."""
        owner = Owner.this_process()
        values = {
            "token": self.token,
            "host": owner.host,
            "pid": owner.pid,
            "process_start": owner.process_start,
            "boot_id": owner.boot_id,
            "renewed_at": _now(self.engine.dialect.name),
        }
        with self.engine.begin() as connection:
            if row is None:
                with contextlib.suppress(sa.exc.IntegrityError):
                    connection.execute(
                        sa.insert(coordinators).values(study_name=self.study_name, seconds_used=0.0, **values)
                    )
                return
            as_read = (
                (coordinators.c.study_name == self.study_name)
                & coordinators.c.token.is_not_distinct_from(row.token)
                & (coordinators.c.renewed_at == row.renewed_at)
            )
            connection.execute(sa.update(coordinators).where(as_read).values(**values))


@contextlib.contextmanager
def fenced(engine: sa.Engine, lock: CoordinatorLock) -> Iterator[None]:
    """No transaction of ``engine`` commits what it has written unless the study is still ``lock``'s.

    The question is asked in the same transaction. SQLite has one writer at a time; elsewhere the row is locked until
    the commit, so that nobody can take the study in between.
    """
    wrote = "bardtune_wrote"
    token = sa.select(coordinators.c.token).where(coordinators.c.study_name == lock.study_name)

    def note(connection: sa.Connection, _: object, statement: str, *__: object) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            connection.info[wrote] = True

    def check(connection: sa.Connection) -> None:
        if connection.info.pop(wrote, False):
            held_by = connection.execute(token.with_for_update(read=True)).scalar_one_or_none()
            if held_by != lock.token:
                raise OwnershipLostError(f"another coordinator has taken the study {lock.study_name!r}")

    def forget(connection: sa.Connection) -> None:
        if not connection.invalidated:  # what is known of a lost connection went with it; to ask would raise
            connection.info.pop(wrote, None)

    listeners: tuple[tuple[str, Callable[..., None]], ...] = (
        ("before_cursor_execute", note),
        ("commit", check),
        ("rollback", forget),
    )
    for name, listener in listeners:
        sa.event.listen(engine, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners:
            sa.event.remove(engine, name, listener)


@dataclass(frozen=True, slots=True)
class LockState:
    """What a reader sees of a study's lock."""

    held: bool  # by a living coordinator
    seconds_used: float
    owner: Owner | None = None  # who holds it, or died holding it


def lock_state(engine: sa.Engine, study_name: str) -> LockState:
    """Read a study's lock; a study that was never run is free and has used nothing."""
    try:
        row, now = _row(engine, study_name)
    except sa.exc.SQLAlchemyError:
        if sa.inspect(engine).has_table(coordinators.name):
            raise
        row, now = None, 0.0  # studies that were copied into a database where bardtune has not run
    if row is None:
        return LockState(False, 0.0)
    owner = _owner(row)
    return LockState(owner is not None and owner.is_alive(row.renewed_at, now), row.seconds_used, owner)


def has_lock_row(engine: sa.Engine, study_name: str) -> bool:
    """Whether somebody has begun to make or to run a study of this name, or to delete it."""
    if not sa.inspect(engine).has_table(coordinators.name):
        return False
    return _row(engine, study_name)[0] is not None


def last_host(engine: sa.Engine, study_name: str) -> str | None:
    """The machine of whoever held a study last; None if nobody ever has."""
    if not sa.inspect(engine).has_table(coordinators.name):
        return None
    row, _ = _row(engine, study_name)
    return None if row is None else row.host


def dead_owners(engine: sa.Engine) -> dict[str, Owner]:
    """Owners that died, by the name of the study that they held."""
    if not sa.inspect(engine).has_table(coordinators.name):
        return {}
    with engine.connect() as connection:
        names = connection.execute(sa.select(coordinators.c.study_name).where(coordinators.c.token.is_not(None)))
        states = {name: lock_state(engine, name) for name in names.scalars().all()}
    return {name: state.owner for name, state in sorted(states.items()) if state.owner is not None and not state.held}


def _row(engine: sa.Engine, study_name: str) -> "tuple[sa.Row[tuple[object, ...]] | None, float]":
    """The study's row, and the time by the clock that such rows are written with."""
    query = sa.select(coordinators).where(coordinators.c.study_name == study_name)

    def read() -> "tuple[sa.Row[tuple[object, ...]] | None, float]":
        with engine.connect() as connection:
            now = sa.select(_now(engine.dialect.name))
            return connection.execute(query).one_or_none(), float(connection.execute(now).scalar_one())

    return with_retry(read)


def _now(dialect: str) -> "sa.ColumnElement[float]":
    """Seconds since the epoch: by the server's clock where there is a server, by this host's for a file."""
    if dialect == "postgresql":
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)
    return sa.literal(time.time(), sa.Float)


def _owner(row: "sa.Row[tuple[object, ...]] | None") -> Owner | None:
    if row is None or row.token is None:
        return None
    return Owner(row.host, row.pid, row.process_start, row.boot_id)

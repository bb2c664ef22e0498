"""One coordinator owns a study while it runs: a row in the study's database says who."""

import os
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from studies.errors import StudyError

LEASE_S = 60.0  # an owner on another host that has not renewed for this long is taken to be dead
RENEW_EVERY_S = 2.0

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


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that holds, or held, a study."""

    host: str
    pid: int
    process_start: str
    boot_id: str

    @staticmethod
    def this_process() -> "Owner":
        pid = os.getpid()
        return Owner(socket.gethostname(), pid, _process_start(pid), _boot_id())

    def is_alive(self, renewed_at: float, now: float) -> bool:
        """Whether the owner still runs: known for certain on this host, by its lease on another."""
        here = Owner.this_process()
        if self.host != here.host:
            return now - renewed_at < LEASE_S
        if self.boot_id != here.boot_id:
            return False
        return _process_start(self.pid) == self.process_start and _exists(self.pid)


class CoordinatorLock:
    """The lock of one study; also keeps the study's active seconds, which only its owner adds to."""

    def __init__(self, engine: sa.Engine, study_name: str, *, began: float | None = None) -> None:
        self.engine, self.study_name = engine, study_name
        self.token = uuid.uuid4().hex
        self.began = time.monotonic() if began is None else began  # active time is counted from here
        self.used_before_s = 0.0
        self._renewed = 0.0

    def acquire(self) -> None:
        """Take the study, also from a dead owner.

        Raises:
            StudyError: a living coordinator holds it.
        """
        for _ in range(10):
            row = _row(self.engine, self.study_name)
            owner = _owner(row)
            if row is not None and owner is not None and owner.is_alive(row.renewed_at, time.time()):
                raise StudyError(
                    f"the study {self.study_name!r} is being run by process {owner.pid} on {owner.host}; wait for it, "
                    f"or stop it first (on {owner.host}: kill {owner.pid})."
                )
            if self._take(row):
                self.used_before_s = row.seconds_used if row is not None else 0.0
                return
        raise StudyError(f"several processes want the study {self.study_name!r} at once; try again.")

    def seconds_used(self) -> float:
        """Active time of the study up to now."""
        return self.used_before_s + time.monotonic() - self.began

    def renew(self) -> None:
        """Keep the lease and note the time used; cheap to call often.

        Raises:
            OwnershipLostError: somebody else has the study.
        """
        if time.monotonic() - self._renewed >= RENEW_EVERY_S:
            self.verify()

    def verify(self) -> None:
        """Renew now; raises OwnershipLostError when the token in the database is not ours."""
        self._write(token=self.token, renewed_at=time.time(), seconds_used=self.seconds_used())
        self._renewed = time.monotonic()

    def release(self) -> None:
        """Let go; quiet if the study is no longer ours."""
        try:
            self._write(token=None, renewed_at=time.time(), seconds_used=self.seconds_used())
        except OwnershipLostError:
            return

    def _write(self, **values: object) -> None:
        mine = (coordinators.c.study_name == self.study_name) & (coordinators.c.token == self.token)
        with self.engine.begin() as connection:
            if connection.execute(sa.update(coordinators).where(mine).values(**values)).rowcount != 1:
                raise OwnershipLostError(f"another coordinator has taken the study {self.study_name!r}")

    def _take(self, row: "sa.Row[tuple[object, ...]] | None") -> bool:
        """Write our token if the row is still as read; True if it was."""
        owner = Owner.this_process()
        values = {
            "token": self.token,
            "host": owner.host,
            "pid": owner.pid,
            "process_start": owner.process_start,
            "boot_id": owner.boot_id,
            "renewed_at": time.time(),
        }
        with self.engine.begin() as connection:
            if row is None:
                try:
                    connection.execute(
                        sa.insert(coordinators).values(study_name=self.study_name, seconds_used=0.0, **values)
                    )
                except sa.exc.IntegrityError:
                    return False
                return True
            as_read = (coordinators.c.study_name == self.study_name) & coordinators.c.token.is_not_distinct_from(
                row.token
            )
            return connection.execute(sa.update(coordinators).where(as_read).values(**values)).rowcount == 1


@dataclass(frozen=True, slots=True)
class LockState:
    """What a reader sees of a study's lock."""

    held: bool  # by a living coordinator
    seconds_used: float


def lock_state(engine: sa.Engine, study_name: str) -> LockState:
    """Read a study's lock; a study that was never run is free and has used nothing."""
    try:
        row = _row(engine, study_name)
    except sa.exc.SQLAlchemyError:
        if sa.inspect(engine).has_table(coordinators.name):
            raise
        row = None  # studies that were copied into a database where bardtune has not run
    if row is None:
        return LockState(False, 0.0)
    owner = _owner(row)
    return LockState(owner is not None and owner.is_alive(row.renewed_at, time.time()), row.seconds_used)


def forget_lock(engine: sa.Engine, study_name: str) -> None:
    """Delete what an earlier study of this name has left behind, its active seconds above all."""
    with engine.begin() as connection:
        connection.execute(sa.delete(coordinators).where(coordinators.c.study_name == study_name))


def _row(engine: sa.Engine, study_name: str) -> "sa.Row[tuple[object, ...]] | None":
    with engine.connect() as connection:
        return connection.execute(sa.select(coordinators).where(coordinators.c.study_name == study_name)).one_or_none()


def _owner(row: "sa.Row[tuple[object, ...]] | None") -> Owner | None:
    if row is None or row.token is None:
        return None
    return Owner(row.host, row.pid, row.process_start, row.boot_id)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _process_start(pid: int) -> str:
    """When the process began, as the kernel counts; empty where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state_and_on = stat.rpartition(")")[2].split()
    return "" if state_and_on[0] == "Z" else state_and_on[19]


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""

"""A process that owns, or owned, a study, and whether it still lives."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

LEASE_S = 60.0  # an owner that cannot be seen from here and has not renewed for this long is taken to be dead
CLOCK_STEP_S = 60.0  # by which a clock may be put right, and with it what the system says when something began
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOTED, _CREATED = "booted ", "created "  # before seconds since the epoch, where a system has no lasting mark


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that holds, or held, a study.

    Args:
        host: the name of its machine.
        pid: its number in its own container.
        process_start: as of ``process_start``; older versions stored "" outside of Linux.
        boot_id: as of ``boot_id``; likewise.
    """

    host: str
    pid: int
    process_start: str
    boot_id: str

    @staticmethod
    def this_process() -> "Owner":
        pid = os.getpid()
        return Owner(socket.gethostname(), pid, process_start(pid) or "", boot_id())

    @property
    def is_here(self) -> bool:
        """Whether this process can see the owner: on the same machine since it was started, in the same container."""
        return self.has_our_name and _agree(self.boot_id, boot_id())

    def runs(self) -> bool | None:
        """Whether its process is there; None where that cannot be known from here."""
        if not self.is_here:
            return None
        start = process_start(self.pid)
        if start is None:
            return False
        comparable = start and self.process_start and _is_time(start) == _is_time(self.process_start)
        return _agree(start, self.process_start) if comparable else None

    @property
    def has_our_name(self) -> bool:
        """Whether its machine is called like this one, as copies of a machine and containers may be."""
        return self.host == socket.gethostname()

    def is_alive(self, renewed_at: float, now: float) -> bool:
        """Whether the owner still runs: known for certain where it can be seen, by its lease elsewhere."""
        runs = self.runs()
        return now - renewed_at < LEASE_S if runs is None else runs

    def lease_is_plain(self, renewed_at: float, now: float) -> bool:
        """Whether an owner with another host's name renewed a moment ago by our clock."""
        return not self.has_our_name and 0 <= now - renewed_at < LEASE_S


def process_start(pid: int) -> str | None:
    """When a process began; None if there is none that runs (a zombie does not), empty where it is not shown to us.

    On Linux the kernel's count, which nothing changes: psutil adds it to the time of boot, which moves with the clock.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return _kernel_count(pid) if psutil.LINUX else f"{_CREATED}{process.create_time():.6f}"
    except psutil.ZombieProcess:
        return None
    except (psutil.NoSuchProcess, FileNotFoundError):
        return "" if _exists(pid) else None  # /proc may hide the processes of others
    except (psutil.AccessDenied, OSError):
        return ""


def _kernel_count(pid: int) -> str:
    """Ticks from boot to when the process began; see proc_pid_stat(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def boot_id() -> str:
    """Tells this boot of this machine from others, and after it, on Linux, the container that we are in."""
    try:
        boot = _BOOT_ID.read_text().strip()
    except OSError:
        boot = f"{_BOOTED}{psutil.boot_time():.0f}"
    try:
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return boot


def _is_time(mark: str) -> bool:
    return mark.startswith((_BOOTED, _CREATED))


def _agree(one: str, other: str) -> bool:
    """Whether two marks are of the same boot or process."""
    if not (_is_time(one) and _is_time(other)):
        return one == other
    (kind, time, *rest), (other_kind, other_time, *other_rest) = one.split(), other.split()
    return (kind, rest) == (other_kind, other_rest) and abs(float(time) - float(other_time)) <= CLOCK_STEP_S

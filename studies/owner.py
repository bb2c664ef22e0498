"""A process that owns, or owned, a study, and whether it still lives."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

LEASE_S = 60.0  # an owner on another host that has not renewed for this long is taken to be dead


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

    @property
    def is_here(self) -> bool:
        return self.host == socket.gethostname()

    def is_alive(self, renewed_at: float, now: float) -> bool:
        """Whether the owner still runs: known for certain on this host, by its lease on another."""
        if not self.is_here:
            return now - renewed_at < LEASE_S
        if self.boot_id != _boot_id():
            return False
        return _process_start(self.pid) == self.process_start and _exists(self.pid)

    def lease_is_plain(self, renewed_at: float, now: float) -> bool:
        """Whether no clock need be trusted: an owner of this host, or one that renewed a moment ago by our clock."""
        return self.is_here or 0 <= now - renewed_at < LEASE_S


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

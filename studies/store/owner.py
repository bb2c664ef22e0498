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
        """Whether this process can see the owner: on the same machine since it was started, in the same container."""
        return self.has_our_name and self.boot_id == _boot_id()

    @property
    def has_our_name(self) -> bool:
        """Whether its machine is called like this one, as copies of a machine and containers may be."""
        return self.host == socket.gethostname()

    @property
    def is_of_another_boot(self) -> bool:
        """Whether its machine is another one, or this one before it was started again."""
        return self.boot_id.partition(" ")[0] != _boot_id().partition(" ")[0]

    def is_alive(self, renewed_at: float, now: float) -> bool:
        """Whether the owner still runs: known for certain where it can be seen, by its lease elsewhere."""
        if not self.is_here:
            return now - renewed_at < LEASE_S
        return _process_start(self.pid) == self.process_start and _exists(self.pid)

    def lease_is_plain(self, renewed_at: float, now: float) -> bool:
        """Whether an owner with another host's name renewed a moment ago by our clock."""
        return not self.has_our_name and 0 <= now - renewed_at < LEASE_S


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
    """Tells a machine from others of its name and from itself before a restart; and after it the container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""

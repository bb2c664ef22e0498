"""What this machine has for us: cores, memory and load, and what the limits of a container (cgroups) leave of them."""

import platform
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

CGROUPS = Path("/sys/fs/cgroup")
CPUINFO = Path("/proc/cpuinfo")
WIDE = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # instructions that libraries choose their kernels by
MEMBERSHIP = Path("/proc/self/cgroup")  # which groups this process is in; see cgroups(7)


def core_numbers() -> list[int]:
    """Numbers of the cores that this process may use; empty where the system ties no process to cores (macOS)."""
    process = psutil.Process()
    return sorted(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else []


def available_cores() -> int:
    """Cores that this process may use."""
    return len(core_numbers()) or psutil.cpu_count() or 1


def usual_cores() -> int:
    """Cores that a program should use if nobody says otherwise: a container may get less time than it has cores."""
    limit = cpu_limit()
    return available_cores() if limit is None else min(available_cores(), max(1, int(limit)))


def load() -> float:
    """Processes that wanted a core in the last minute, on average."""
    return float(psutil.getloadavg()[0])


def cpu_kind() -> str:
    """The processor's name and wide instructions: with the libraries' versions, what decides how sums are rounded."""
    name, wide = platform.processor() or platform.machine(), ""
    try:
        for line in CPUINFO.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                wide = "".join(f", {flag}" for flag in sorted(value.split()) if flag.startswith(WIDE))
    except OSError:
        pass
    return f"{name}{wide}"


def cpu_limit(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """Cores' worth of time that a container gets; None without a limit."""
    limits = map(_cpu_limit_of, _groups("cpu", cgroups, membership))
    return min((limit for limit in limits if limit is not None), default=None)


def available_memory_bytes(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """What the machine has free, or what is left of a container's limit if that is less."""
    left = map(_memory_left_in, _groups("memory", cgroups, membership))
    return min([int(psutil.virtual_memory().available), *(num_bytes for num_bytes in left if num_bytes is not None)])


def _groups(controller: str, cgroups: Path, membership: Path) -> Iterator[Path]:
    """Folders of the groups whose limits hold for this process, of either version of cgroups: its own and all above.

    Inside of a container the group's path may be the one that the host sees; the root's limits are then its own.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = cgroups / controller if controllers else cgroups
        parts = PurePosixPath(path).parts[1:]
        yield from (root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1))


def _cpu_limit_of(group: Path) -> float | None:
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        limit = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or "max"
        return None
    return limit if limit > 0 else None  # -1: version 1 has no limit


def _memory_left_in(group: Path) -> int | None:
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            taken = int((group / used).read_text()) - _stat(group, cache)
            return max(0, int((group / limit).read_text()) - taken)
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return None


def _stat(group: Path, name: str) -> int:
    """A line of memory.stat. Files that were read and can be read again count as used, and are no loss."""
    try:
        lines = (group / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)

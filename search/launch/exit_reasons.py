"""What a crashed run's process has died of, in words; and what to do where it was for want of memory."""

import errno
import re
import signal
from pathlib import Path

from bardtune.data.errors import UserError

OUT_OF_MEMORY = "out of memory"
MORE_MEMORY = "use fewer --workers, end other programs, or search smaller models"
_WORDS = re.compile(r"can't allocate memory|cannot allocate memory|not enough memory|bad_alloc", re.IGNORECASE)
_ASKED = re.compile(r"tried to allocate (\d+) bytes")  # as torch says it
_VMSTAT = Path("/proc/vmstat")


def reason_of(problem: BaseException) -> str:
    """Why an exception ended a run: one line, without a traceback."""
    text = " ".join(str(problem).split())[:300]
    if is_out_of_memory(problem):
        asked = _ASKED.search(text)
        what = f"{int(asked[1]):,} bytes were not to be had" if asked else text or type(problem).__name__
        return f"{OUT_OF_MEMORY}: {what}; {MORE_MEMORY}"
    return text if isinstance(problem, UserError) else f"{type(problem).__name__}: {text}"


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an allocation has failed: of Python, numpy, the system, or torch, which has no exception for it."""
    return (
        isinstance(problem, MemoryError)
        or (isinstance(problem, OSError) and problem.errno == errno.ENOMEM)
        or (isinstance(problem, RuntimeError) and _WORDS.search(str(problem)) is not None)
    )


def oom_kills(vmstat: Path = _VMSTAT) -> int | None:
    """How many processes the kernel has killed for want of memory since it booted; None where it does not say.

    A limit on a container's memory counts too.
    """
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def reason_of_exit(code: int, *, kills_before: int | None, kills_now: int | None, log: str) -> str:
    """Why a process has ended in the middle of a run.

    Args:
        code: its exit code; negative: the signal that it died of, which bardtune has not sent.
        kills_before: ``oom_kills`` when the run began.
        kills_now: the same now.
        log: name of the file with the output of the process.
    """
    if code >= 0:
        return f"its process exited with code {code}; see {log} among bardtune's logs"
    if -code != signal.SIGKILL:
        return f"its process died of {_name(-code)}"
    if kills_before is None or kills_now is None:
        return f"its process was killed (SIGKILL), probably for want of memory: {MORE_MEMORY}"
    if kills_now > kills_before:
        return f"{OUT_OF_MEMORY}: the system killed its process (SIGKILL); {MORE_MEMORY}"
    return (
        "its process was killed (SIGKILL) by a user or a service, such as one that watches over the memory; the "
        "kernel itself has killed nothing for want of it"
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"

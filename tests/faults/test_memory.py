"""Memory that is not there: refused by the system, or taken back by it with SIGKILL."""

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bardtune.search.launch.local import LocalLauncher
from bardtune.search.launch.protocol import Ended, Heartbeat, RunOrder
from support.fakes import text_of
from support.workers_at_hand import order, pid_of, until

GROUP = "BARDTUNE_TEST_CGROUP"
NEW_BYTES = 48 << 20  # what the process may still map: enough for all small things, too little for a large matrix
LARGE = {
    "d_model": 768,
    "d_ff": 3072,
    "n_heads": 4,
    "n_layers": 8,
}  # 28 MB of parameters a layer, and as much for their gradients

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are tested on Linux")


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[LocalLauncher]:
    launcher = LocalLauncher(workers=1, threads=1, logs=[tmp_path / "log"])
    yield launcher
    launcher.close()


@pytest.fixture
def ordered(tmp_path: Path) -> Callable[..., RunOrder]:
    """Make an order on a short text."""
    path = tmp_path / "text.txt"
    path.write_bytes(text_of(20_000))
    return lambda run_id, budget_s, **changes: order(path, run_id, budget_s, **changes)


def mapped_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


def test_an_allocation_that_the_system_refuses_is_out_of_memory_and_the_next_run_has_a_fresh_process(
    launcher: LocalLauncher, ordered: Callable[..., RunOrder], tmp_path: Path
) -> None:
    launcher.start(ordered("small", 0.3))
    assert until(launcher, Ended)[-1].ending == "finished"
    pid = pid_of(launcher)
    limit = mapped_bytes(pid) + NEW_BYTES
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
    launcher.start(ordered("large", 60.0, **LARGE))
    *_, ended = until(launcher, Ended)
    assert isinstance(ended, Ended)
    assert (ended.ending, (ended.reason or "")[:15]) == ("crashed", "out of memory: "), ended
    assert "use fewer --workers" in (ended.reason or "")
    assert "Traceback" in (tmp_path / "log").read_text()

    launcher.start(ordered("next", 0.3))
    assert until(launcher, Ended)[-1].ending == "finished"
    assert pid_of(launcher) != pid


def test_the_kernel_is_told_to_end_a_trial_before_anything_else(
    launcher: LocalLauncher, ordered: Callable[..., RunOrder]
) -> None:
    launcher.start(ordered("any", 60.0))
    until(launcher, Heartbeat)
    assert Path(f"/proc/{pid_of(launcher)}/oom_score_adj").read_text() == "500\n"
    assert Path("/proc/self/oom_score_adj").read_text() != "500\n"


@pytest.fixture
def group() -> Iterator[Path]:
    """A memory group of our own in the one that the tester has named."""
    said = os.environ.get(GROUP)
    if said is None:
        pytest.skip(f"{GROUP} names no memory cgroup in which this test may make one of its own")
    folder = Path(said) / f"bardtune-{os.getpid()}"
    folder.mkdir()
    yield folder
    end = time.monotonic() + 10
    while folder.exists() and time.monotonic() < end:
        try:
            folder.rmdir()
        except OSError:  # its last process is still going
            time.sleep(0.05)


def test_what_the_kernel_kills_for_want_of_memory_is_out_of_memory(
    launcher: LocalLauncher, ordered: Callable[..., RunOrder], group: Path
) -> None:
    launcher.start(ordered("first", 0.3))
    assert until(launcher, Ended)[-1].ending == "finished"
    limit = "memory.max" if (group / "memory.max").exists() else "memory.limit_in_bytes"
    (group / limit).write_text(str(NEW_BYTES))  # counts what the process takes from now on
    (group / "cgroup.procs").write_text(str(pid_of(launcher)))
    launcher.start(ordered("large", 60.0, **LARGE))
    *_, ended = until(launcher, Ended)
    assert isinstance(ended, Ended)
    assert ended.ending == "crashed"
    assert (ended.reason or "").startswith("out of memory: the system killed its process (SIGKILL)")

"""Whether the owner of a study lives: by its process where that can be seen, by its lease elsewhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bardtune.studies.store import owner as owner_module
from bardtune.studies.store.owner import CLOCK_STEP_S, LEASE_S, Owner, boot_id, process_start

FRESH, STALE = {"renewed_at": 1000.0, "now": 1001.0}, {"renewed_at": 1000.0, "now": 1001.0 + LEASE_S}


@pytest.fixture
def without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A system whose marks are times, as macOS is."""
    monkeypatch.setattr(psutil, "LINUX", False)
    monkeypatch.setattr(owner_module, "_BOOT_ID", tmp_path / "none")


@pytest.fixture(params=["as it is", "without /proc"])
def system(request: pytest.FixtureRequest) -> str:
    if request.param == "without /proc":
        request.getfixturevalue("without_proc")
    return request.param


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.mark.usefixtures("system")
def test_an_owner_on_this_host_lives_as_long_as_its_process_whatever_its_lease(
    sleeper: subprocess.Popen[bytes],
) -> None:
    owner = replace(Owner.this_process(), pid=sleeper.pid, process_start=process_start(sleeper.pid) or "")
    assert owner.is_alive(**STALE)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet asked for: a zombie
    assert not owner.is_alive(**FRESH)
    sleeper.wait()
    assert not owner.is_alive(**FRESH)


@pytest.mark.usefixtures("system")
def test_a_later_process_of_its_number_is_not_the_owner(sleeper: subprocess.Popen[bytes]) -> None:
    ours = Owner.this_process()
    kind, space, start = ours.process_start.rpartition(" ")
    earlier = replace(ours, process_start=f"{kind}{space}{float(start) - 1000:.0f}")
    assert earlier.is_here
    assert ours.is_alive(**STALE)
    assert not earlier.is_alive(**FRESH)


@pytest.mark.usefixtures("without_proc")
def test_where_marks_are_times_a_clock_that_is_put_right_makes_no_owner_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = Owner.this_process()
    create_time, boot_time = psutil.Process.create_time, psutil.boot_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create_time(self) + CLOCK_STEP_S / 2)
    monkeypatch.setattr(psutil, "boot_time", lambda: boot_time() + CLOCK_STEP_S / 2)
    assert owner.is_here
    assert owner.is_alive(**STALE)


@pytest.mark.usefixtures("without_proc")
def test_where_a_boot_has_no_id_another_boot_is_never_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Owner.this_process()
    boot_time = psutil.boot_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: boot_time + 3600)
    assert not owner.is_here
    assert owner.is_alive(**FRESH)
    assert not owner.is_alive(**STALE)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_on_linux_a_row_of_an_older_version_is_of_the_form_of_today() -> None:
    ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    space = os.readlink("/proc/self/ns/pid")
    stored = replace(Owner.this_process(), process_start=ticks, boot_id=f"{boot} {space}")
    assert stored == Owner.this_process()


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize("known_boot", [True, False])
@pytest.mark.parametrize("known_start", [True, False])
def test_a_mark_that_does_not_compare_leaves_a_living_process_its_lease(known_start: bool, known_boot: bool) -> None:
    ours = Owner.this_process()
    of_another_form = "8172635" if ours.process_start.startswith("created") else "created 1700000000.000000"
    start = of_another_form if known_start else ""
    stored = replace(ours, process_start=start, boot_id=ours.boot_id if known_boot else "")
    assert stored.runs() is None
    assert stored.is_alive(**FRESH)
    assert not stored.is_alive(**STALE)


def test_a_process_that_is_hidden_from_us_has_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(pid: int) -> None:
        raise psutil.NoSuchProcess(pid)

    stored = Owner.this_process()
    monkeypatch.setattr(psutil, "Process", hidden)
    assert stored.is_alive(**FRESH)
    assert not stored.is_alive(**STALE)
    assert not replace(stored, pid=2**22 + 1).is_alive(**FRESH)


def test_an_owner_on_another_host_holds_the_study_for_its_lease() -> None:
    far = replace(Owner.this_process(), host="elsewhere")
    assert far.is_alive(**FRESH)
    assert not far.is_alive(**STALE)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_another_container_of_this_boot_is_not_here_and_of_no_other_boot() -> None:
    boot, _, space = boot_id().partition(" ")
    assert space.startswith("pid:[")
    neighbour = replace(Owner.this_process(), boot_id=f"{boot} pid:[1]")
    assert not neighbour.is_here

"""What the machine has, and what the limits of a container leave of it, in both versions of cgroups."""

from pathlib import Path

import psutil
import pytest

from bardtune.data.host import available_cores, available_memory_bytes, core_numbers, cpu_limit, usual_cores


@pytest.fixture
def membership(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def write(folder: Path, **files: object) -> None:
    """Files of a group; a double underscore in a name stands for the dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_a_process_that_is_tied_to_a_core_has_one() -> None:
    if not (whole := core_numbers()):
        pytest.skip("this system ties no process to cores")
    process = psutil.Process()
    try:
        process.cpu_affinity(whole[:1])
        assert (core_numbers(), available_cores()) == (whole[:1], 1)
    finally:
        process.cpu_affinity(whole)


@pytest.mark.parametrize(("quota", "cores"), [("150000 100000", 1.5), ("max 100000", None)])
def test_a_limit_on_cores_is_seen(tmp_path: Path, membership: Path, quota: str, cores: float | None) -> None:
    membership.write_text("0::/\n")
    write(tmp_path, cpu__max=quota)
    assert cpu_limit(tmp_path, membership) == cores


def test_the_tightest_of_the_groups_around_a_process_counts(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/user/session\n")
    write(tmp_path / "user", cpu__max="100000 100000", memory__max=5_000_000, memory__current=1_000_000)
    write(tmp_path / "user" / "session", cpu__max="300000 100000", memory__max="max", memory__current=1)
    write(tmp_path / "other", cpu__max="10000 100000", memory__max=2, memory__current=1)
    assert cpu_limit(tmp_path, membership) == 1.0
    assert available_memory_bytes(tmp_path, membership) == 4_000_000


def test_what_is_kept_of_files_that_were_read_is_no_lost_memory(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/\n")
    write(tmp_path, memory__max=3_000_000, memory__current=2_900_000, memory__stat="anon 5\ninactive_file 900000")
    assert available_memory_bytes(tmp_path, membership) == 1_000_000


def test_the_older_version_has_a_folder_for_each_controller(tmp_path: Path, membership: Path) -> None:
    membership.write_text("4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/\n")  # a path that only the host sees
    write(tmp_path / "cpu", cpu__cfs_quota_us=50_000, cpu__cfs_period_us=100_000)
    write(tmp_path / "memory", memory__limit_in_bytes=3_000_000, memory__usage_in_bytes=1_000_000)
    write(tmp_path / "memory", memory__stat="cache 9\ntotal_inactive_file 500000")
    assert cpu_limit(tmp_path, membership) == 0.5
    assert available_memory_bytes(tmp_path, membership) == 2_500_000


def test_without_a_limit_the_machine_itself_counts(tmp_path: Path, membership: Path) -> None:
    whole = psutil.virtual_memory().total
    assert 0 < available_memory_bytes(tmp_path, membership) <= whole  # no cgroups at all
    membership.write_text("4:memory:/\n1:cpu:/\n")
    write(tmp_path / "cpu", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100_000)
    write(tmp_path / "memory", memory__limit_in_bytes=2**63 - 4096, memory__usage_in_bytes=1, memory__stat="")
    assert cpu_limit(tmp_path, membership) is None
    assert 0 < available_memory_bytes(tmp_path, membership) <= whole


@pytest.mark.parametrize(("limit", "cores"), [(None, 8), (0.5, 1), (2.5, 2), (64.0, 8)])
def test_a_container_that_gets_less_time_than_it_has_cores_usually_uses_fewer(
    limit: float | None, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bardtune.data.host.available_cores", lambda: 8)
    monkeypatch.setattr("bardtune.data.host.cpu_limit", lambda: limit)
    assert usual_cores() == cores

"""A disk of its own for a test."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk_at(folder: Path) -> Iterator[None]:
    """A file system of 6 MB at an empty folder; the test is skipped where this user cannot mount one."""
    mounting = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("this user cannot mount a small tmpfs")
    yield
    subprocess.run(["umount", "-l", str(folder)], check=True)

"""The files of a worker on a node."""

import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest

from bardtune.data.errors import UserError
from bardtune.search.launch.cluster.node_files import KEPT_S, NodeFiles

TEXT = np.arange(100, dtype=np.uint8)
SHA256 = hashlib.sha256(TEXT.tobytes()).hexdigest()


def test_a_text_is_there_when_its_last_part_has_come_and_its_checksum_is_right(tmp_path: Path) -> None:
    files = NodeFiles(tmp_path / "root")
    files.add_text(SHA256, 0, TEXT[:60], is_last=False)
    assert not files.has_text(SHA256)
    files.add_text(SHA256, 60, TEXT[60:], is_last=True)
    assert files.has_text(SHA256)
    assert files.text(SHA256).read_bytes() == TEXT.tobytes()
    with pytest.raises(UserError, match="arrived with SHA-256"):
        files.add_text("0" * 64, 0, TEXT, is_last=True)
    assert not files.has_text("0" * 64)


def test_what_dead_processes_and_old_studies_have_left_is_deleted(tmp_path: Path) -> None:
    root = tmp_path / "root"
    files = NodeFiles(root)
    dead, own = root / "workers" / "4194305", root / "workers" / str(os.getpid())  # beyond the largest process id
    dead.mkdir()
    files.add_text(SHA256, 0, TEXT, is_last=True)
    old = root / "texts" / "old"
    old.write_bytes(b"x")
    os.utime(old, (0, time.time() - KEPT_S - 60))
    NodeFiles(root)
    assert not dead.exists()
    assert own.exists()
    assert [path.name for path in (root / "texts").iterdir()] == [SHA256]


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    root = tmp_path / "open"
    root.mkdir()
    root.chmod(0o777)
    with pytest.raises(UserError, match="open to others; delete it on that node"):
        NodeFiles(root)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UserError, match="belongs to somebody else"):
        NodeFiles(tmp_path / "link")

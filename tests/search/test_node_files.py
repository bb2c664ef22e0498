"""The files of a worker on a node."""

import hashlib
import os
import subprocess
import sys
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
    own = files.folder
    dead = own.with_name(own.name.replace(str(os.getpid()), "4194305"))  # beyond the largest process id
    elsewhere = own.with_name("another-host-1-4194305")
    for folder in (dead, elsewhere):
        folder.mkdir()
    files.add_text(SHA256, 0, TEXT, is_last=True)
    old = root / "texts" / "old"
    for path in (old, old.with_suffix(".used")):
        path.write_bytes(b"x")
    os.utime(old.with_suffix(".used"), (0, time.time() - KEPT_S - 60))
    NodeFiles(root)
    assert not dead.exists()
    assert own.exists()
    assert elsewhere.exists()
    assert sorted(path.name for path in (root / "texts").iterdir()) == [SHA256, f"{SHA256}.used"]


def test_who_looks_for_a_text_does_not_touch_it(tmp_path: Path) -> None:
    files = NodeFiles(tmp_path / "root")
    files.add_text(SHA256, 0, TEXT, is_last=True)
    os.utime(files.text(SHA256), (1, 1))
    assert files.has_text(SHA256)
    assert files.text(SHA256).stat().st_mtime == 1


def test_cores_are_taken_by_one_process_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bardtune.search.launch.cluster.node_files import NodeFiles\n"
        "files = NodeFiles(Path(sys.argv[1])); print(files.take_cores([3, 5, 7], 2), files.folder.exists())"
    )
    files = NodeFiles(tmp_path / "root")
    assert files.take_cores([3, 5, 7], 1) == [3]
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path / "root")], capture_output=True, text=True)
    assert said.stdout == "[5, 7] True\n", said.stderr
    assert NodeFiles(tmp_path / "root").take_cores([3], 1) == []


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    root = tmp_path / "open"
    root.mkdir()
    root.chmod(0o777)
    with pytest.raises(UserError, match="open to others; delete it on that node"):
        NodeFiles(root)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UserError, match="belongs to somebody else"):
        NodeFiles(tmp_path / "link")

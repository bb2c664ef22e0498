"""TOML that a user has written: read as it is meant, or refused in a sentence."""

import os
from pathlib import Path

import pytest

from bardtune.data.errors import UserError
from bardtune.data.toml_files import MOST_BYTES, read_toml


def refused(path: Path) -> str:
    with pytest.raises(UserError) as problem:
        read_toml(path, "the space", way_out="give another")
    message = str(problem.value)
    assert message.endswith("; give another.")
    assert "\n" not in message
    return message


def test_a_byte_order_mark_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbftrials = 20\r\n")
    assert read_toml(path, "the plan", way_out="") == {"trials": 20}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"a = " + b"{b=" * 100_000, "nested too deeply"),
        (b"a = " + b"9" * 10_000, "is not TOML"),
        (b"a = \xff", "is not UTF-8 text"),
        (b"a", "is not TOML"),
        (b"#" * (MOST_BYTES + 1), "is longer than"),
    ],
)
def test_what_is_no_toml_is_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    assert said in refused(tmp_path / "a.toml")


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "it is no file" in refused(tmp_path / "pipe")
    assert "it is a folder" in refused(tmp_path)
    assert "No such file" in refused(tmp_path / "nowhere")

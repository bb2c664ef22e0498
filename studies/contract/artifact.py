"""A script's artifact: the file with what it has trained, to be scored with the study's ruler. It may leave none.

Its JSON line names the file, relative to the folder that the script was started in, as one of

* ``weights``: a safetensors file with the tensors of bardtune's own model. Its settings are an object ``settings`` in
  the same line, or JSON under that name in the file's metadata.
* ``model``: any model, as ``torch.export.save`` leaves it.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from bardtune.studies.errors import StudyError

MOST_BYTES = 1 << 30
NAME_CHARS = 80  # of a script's own names that are repeated


class ArtifactError(StudyError):
    """A file that cannot be scored; the sentence goes on after "not checked: "."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A file that a script has left, as its JSON line names it."""

    kind: Literal["weights", "model"]
    file: str
    settings: dict[str, Any] | None = None  # of weights; None: they are in the file


def artifact_of(output: Mapping[str, Any]) -> Artifact | None:
    """Read a script's JSON line; None if it names no artifact.

    Raises:
        ArtifactError: it names no file, or two.
    """
    files = {kind: output[kind] for kind in ("weights", "model") if output.get(kind) is not None}
    if not files:
        return None
    if len(files) > 1:
        raise ArtifactError('its line names both "weights" and "model"; one of them is enough')
    ((kind, file),) = files.items()
    if not isinstance(file, str) or not file:
        raise ArtifactError(f'"{kind}" in its line is no name of a file but {shown(file)}')
    if kind == "model":
        return Artifact(kind="model", file=file)
    settings = output.get("settings")
    if settings is not None and not isinstance(settings, dict):
        raise ArtifactError(f'"settings" in its line is no object but {shown(settings)}')
    for name, value in (settings or {}).items():
        if not isinstance(value, (str, int, float)):
            raise ArtifactError(f"the setting {shown(name)} in its line is {shown(value)}")
    return Artifact(kind="weights", file=file, settings=settings)


def copy_artifact(file: str, folder: Path, copy: Path) -> None:
    """Copy a file that a script has left in ``folder``: what is scored is then out of reach of what it has started.

    Raises:
        ArtifactError: it is not there, not in the folder, no file, empty or huge.
    """
    name = shown(file)
    try:
        path = (folder / file).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise ArtifactError(f"{name} lies outside of the folder that the script was started in")
        with open(path, "rb", opener=_open_at_once) as source:
            facts = os.fstat(source.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise ArtifactError(f"{name} is no file")
            if not 0 < facts.st_size <= MOST_BYTES:
                raise ArtifactError(f"{name} holds {facts.st_size:,} bytes; 1 to {MOST_BYTES:,} can be scored")
            with copy.open("xb") as target:
                _copy_bytes(source, target, facts.st_size)
    except FileNotFoundError as problem:
        raise ArtifactError(f"there is no file {name}") from problem
    except OSError as problem:
        raise ArtifactError(f"{name} cannot be read: {problem.strerror}") from problem
    except (ValueError, RuntimeError) as problem:  # a name that is none, links that go round in circles
        raise ArtifactError(f"{name} is no name of a file") from problem


def _copy_bytes(source: IO[bytes], target: IO[bytes], num_bytes: int) -> None:
    """Copy at most so many bytes, however fast somebody makes the file longer."""
    left = num_bytes
    while left and (part := source.read(min(left, 1 << 20))):
        target.write(part)
        left -= len(part)


def _open_at_once(path: str, flags: int) -> int:
    """A link that has taken the file's place is not followed, and a pipe that nobody writes to not waited for."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def shown(value: object) -> str:
    """A script's own word in a sentence of ours: short, and without what a terminal would obey."""
    return ascii(value[:NAME_CHARS]) if isinstance(value, str) else f"a value of type {type(value).__name__}"

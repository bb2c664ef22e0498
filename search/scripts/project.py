"""The Python files that a user's script consists of: itself, and what lies in its folder."""

import ast
import io
import os
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bardtune.data.paths import user_path
from bardtune.studies.errors import StudyError

MOST_BYTES = 1 << 20  # of all files together ...
MOST_FILES = 200  # ... and how many they may be; of a larger folder only what the script imports goes along
PROVIDED = "prepare.py"
_EXPORTED, _VIRTUAL = "submission.json", "pyvenv.cfg"  # mark folders of bardtune's exports and of other Pythons


@dataclass(frozen=True, slots=True)
class Project:
    """A script and the files that go along with it."""

    path: Path  # of the script, absolute
    files: dict[str, bytes]  # by their paths from the script's folder, the script first

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def source(self) -> str:
        """The script's text."""
        return decoded(self.files[self.name])

    @property
    def others(self) -> dict[str, str]:
        """The texts of the other files."""
        return {name: _as_text(content) for name, content in self.files.items() if name != self.name}


def decoded(content: bytes) -> str:
    """Python source as text, in the encoding that it declares, with its own ends of lines.

    Raises:
        SyntaxError, UnicodeDecodeError: it is in none, or not in that.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return content.decode(encoding)


def _as_text(content: bytes) -> str:
    """The text of a file that need not be Python that can be run."""
    try:
        return decoded(content)
    except (SyntaxError, ValueError, RecursionError):
        return content.decode("latin-1")


def read_project(given: Path) -> Project:
    """Read a script, and the files that go along with it.

    Raises:
        StudyError: it is no script, or needs what is not there: found before a run is used up.
    """
    path = user_path(given, "the script")
    if path.is_dir():
        raise StudyError(f"{path} is a folder; name the script in it, such as {given / 'train.py'}.")
    if not path.exists():
        raise StudyError(f"no script at {path}; name a Python file that imports prepare.")
    if path.name == PROVIDED:
        raise StudyError(f"{path} has the name of the file that bardtune provides; rename it, such as train.py.")
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise StudyError(f"{path} is no file of at most {MOST_BYTES:,} bytes; name a Python script.")
    try:
        own = {path.name: path.read_bytes()}
        _check(path, own[path.name])
        project = Project(path, {**own, **_beside(path)})
    except OSError as problem:
        raise StudyError(f"cannot read the script {path}: {problem.strerror}; check its rights.") from problem
    return project


def _beside(script: Path) -> dict[str, bytes]:
    """The other files: all of a small folder that can be read, of a large one those that are imported."""
    files: dict[str, bytes] = {}
    for file in _python_files(script.parent, without=(script, script.parent / PROVIDED)):
        if len(files) == MOST_FILES or _size(file) + sum(map(len, files.values())) > MOST_BYTES:
            return _imported(script)
        if os.access(file, os.R_OK):
            files[file.relative_to(script.parent).as_posix()] = file.read_bytes()
    return files


def _size(file: Path) -> int:
    return file.stat().st_size


def _python_files(folder: Path, *, without: tuple[Path, ...] = ()) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_own(Path(place, name)))
        for name in sorted(names):
            file = Path(place, name)
            if name.endswith(".py") and not name.startswith(".") and file.is_file() and file not in without:
                yield file


def _is_own(folder: Path) -> bool:
    """Whether a folder may belong to a project: it is not hidden, no cache, no other Python, and no export."""
    if folder.name.startswith(".") or folder.name in ("__pycache__", "site-packages", "node_modules"):
        return False
    return not any((folder / mark).exists() for mark in (_EXPORTED, _VIRTUAL))


def _imported(script: Path) -> dict[str, bytes]:
    """What a script imports from its folder, and what that imports; whole packages.

    Raises:
        StudyError: more than goes along.
    """
    files: dict[str, bytes] = {}
    waiting = [script.read_bytes()]
    without = (script, script.parent / PROVIDED)
    while waiting:
        for name in _imports(waiting.pop(), at_the_top=False):
            module, package = script.parent / f"{name}.py", script.parent / name
            found = [module] if module.is_file() else list(_python_files(package)) if package.is_dir() else []
            for file in found:
                key = file.relative_to(script.parent).as_posix()
                if key in files or file in without:
                    continue
                if len(files) == MOST_FILES or _size(file) + sum(map(len, files.values())) > MOST_BYTES:
                    raise StudyError(
                        f"{script} imports more than {MOST_FILES} files or {MOST_BYTES:,} bytes from its folder; "
                        "install what is large as a package."
                    )
                files[key] = file.read_bytes()
                waiting.append(files[key])
    return files


def _imports(content: bytes, *, at_the_top: bool) -> list[str]:
    """Top-level names that a source imports; those at the top alone, or those in functions and branches too.

    None of what is no Python: only the script itself must be.
    """
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = []
    for node in tree.body if at_the_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.append(node.module.partition(".")[0])
    return list(dict.fromkeys(names))


def _check(script: Path, content: bytes) -> None:
    """Refuse what cannot be parsed, and what imports at its top what is not there."""
    try:
        decoded(content)
        ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:  # the last two: of its brackets
        line = f" (line {problem.lineno})" if isinstance(problem, SyntaxError) and problem.lineno else ""
        why = problem.msg if isinstance(problem, SyntaxError) else str(problem)
        raise StudyError(f"{script} is no Python that can be run: {why:.200}{line}; mend it first.") from problem
    for name in _imports(content, at_the_top=True):
        there = (script.parent / f"{name}.py").exists() or (script.parent / name).is_dir()
        if not there and name != PROVIDED.removesuffix(".py") and not _is_installed(name):
            raise StudyError(
                f"{script} imports {name}, which is neither beside it nor installed here; install it (no run was used "
                "up)."
            )


def _is_installed(name: str) -> bool:
    """Whether a script's process, which has our environment, can import it."""
    places = [Path(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    if any((place / f"{name}.py").exists() or (place / name).is_dir() for place in places):
        return True
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False

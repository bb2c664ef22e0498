"""The command line. It parses and calls; importing it loads neither torch nor Optuna."""

import codecs
import errno
import io
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from bardtune.data.errors import UserError
from bardtune.data.paths import shown
from bardtune.search.cli.options import app

# Each is a module of this folder, in the order in which the help lists them.
COMMANDS = (
    "start",
    "resume",
    "extend",
    "watch",
    "list",
    "show",
    "plot",
    "compare",
    "report",
    "trials",
    "note",
    "rename",
    "export",
    "replay",
    "sample",
    "space",
    "train",
    "run",
    "dashboard",
    "doctor",
    "delete",
)
OTHER_NAMES = {  # what other programs call it
    "status": "show",
    "stats": "show",
    "best": "show",
    "info": "show",
    "ls": "list",
    "logs": "doctor",  # which says where they are
    "rm": "delete",
    "mv": "rename",
    "continue": "resume",
    "diff": "compare",
    "more": "extend",
    "check": "space",
    "create": "start",
    "optimize": "start",
}
_OF_WRITING = (errno.ENOSPC, errno.EPIPE, errno.EIO)  # to a full disk, a pipe, a lost terminal
NOT_FOR_OTHERS = 0o022  # nobody else may write to what we store, whatever the user's habits are

for command in COMMANDS:
    import_module(f"bardtune.search.cli.{command}")


def print_version(asked: bool) -> None:
    """What ``--version`` prints; nothing else is done then."""
    if not asked:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        print(f"bardtune {version('bardtune')}")
    except PackageNotFoundError:
        print("bardtune, from a checkout that is not installed")
    raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command; the help's first line is the application's own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 done, 1 failed, 2 the user can fix it, 130 interrupted."""
    args = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    os.umask(os.umask(NOT_FOR_OTHERS) | NOT_FOR_OTHERS)
    try:
        code: Any = app(args=args, prog_name="bardtune", standalone_mode=False)
    except UserError as problem:
        return _complain(str(problem))
    except OSError as problem:
        if problem.errno not in _OF_WRITING or problem.filename is not None:
            raise
        return _output_failed(problem)
    except KeyboardInterrupt:
        print("bardtune: interrupted; what was stored is kept, see: bardtune list", file=sys.stderr)
        return 130
    except Exception as problem:
        if (usage := _usage_error(problem)) is not None:
            return _complain(usage)
        if not _is_database_error(problem):
            raise
        reason = str(problem).strip().split("\n")[0]
        print(
            f"bardtune: the database has failed: {reason}; what it holds is kept, see: bardtune list", file=sys.stderr
        )
        return 1
    return code if isinstance(code, int) else 0


def entry() -> None:
    """What the console script does once it is loaded: any text can be written, and what cannot is said."""
    codecs.register_error("bardtune", _written_all_the_same)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed (>&-): nobody is to hear it
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (as long as this process lives)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="bardtune")
    code = main()
    try:
        sys.stdout.flush()
    except OSError as problem:
        code = _output_failed(problem)
    sys.exit(code)


def _written_all_the_same(problem: UnicodeError) -> tuple[bytes, int]:
    """A name of bytes that are no UTF-8 is written as these bytes; what the terminal's encoding lacks, as "?"."""
    assert isinstance(problem, UnicodeEncodeError)
    text = problem.object[problem.start : problem.end]
    written = b"".join(bytes([ord(char) - 0xDC00]) if "\udc80" <= char <= "\udcff" else b"?" for char in text)
    return written, problem.end


def _output_failed(problem: OSError) -> int:
    """What is written does not arrive, mostly on standard output: say so, and write nothing more there."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if problem.errno == errno.EPIPE:  # whoever read it has seen enough
        return 0
    print(f"bardtune: cannot write: {problem.strerror}; make room, or write elsewhere.", file=sys.stderr)
    return 1


def _complain(sentence: str) -> int:
    print(f"bardtune: {shown(sentence)}", file=sys.stderr)
    return 2


def _is_database_error(problem: Exception) -> bool:
    """Whether SQLAlchemy or Optuna's storage has raised it; asked by name, since neither may be imported yet."""
    names = {f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(problem).__mro__}
    return bool(names & {"sqlalchemy.SQLAlchemyError", "optuna.StorageInternalError"})


def _usage_error(problem: Exception) -> str | None:
    """The parser's complaint in a sentence; None if ``problem`` is not the parser's."""
    format_message = getattr(problem, "format_message", None)
    if format_message is None:
        return None
    complaint, context = str(format_message()).rstrip("."), getattr(problem, "ctx", None)
    unknown = re.match(r"No such command '(\w+)'", complaint)
    if unknown and unknown[1] in OTHER_NAMES:
        complaint = f"{unknown[0]}. Did you mean '{OTHER_NAMES[unknown[1]]}'?"
    stop = "" if complaint.endswith("?") else "."
    return f"{complaint}{stop} See: {context.command_path if context else 'bardtune'} --help."

"""The command line. It parses and calls; importing it loads neither torch nor Optuna."""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from data.errors import UserError
from search import (  # noqa: F401  their commands register themselves
    cli_dashboard,
    cli_delete,
    cli_doctor,
    cli_export,
    cli_report,
    cli_run,
    cli_trials,
    cli_watch,
)
from search.options import JsonOption, Name, StorageOption, app, example

BEGAN = time.monotonic()  # when the process began, for a study's active time
# as the help lists them: what is needed first comes first
COMMANDS = ["start", "resume", "watch", "list", "show", "plot", "report", "trials", "export", "replay", "sample"]
COMMANDS += ["train", "run", "dashboard", "doctor", "delete"]
NOT_FOR_OTHERS = 0o022  # nobody else may write to what we store, whatever the user's habits are


def print_version(wanted: bool) -> None:
    """What ``--version`` prints; nothing else is done then."""
    if not wanted:
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


@app.command(
    epilog=example(
        "bardtune start shakes --trials 20 --seconds 20", "bardtune start novel --corpus novel.txt --workers 2"
    )
)
def start(
    name: Annotated[str | None, typer.Argument(help="A new study's name. [default: from the time of day]")] = None,
    trials: Annotated[int | None, typer.Option(help="Training runs of every kind, at most 50. [default: 50]")] = None,
    seconds: Annotated[float | None, typer.Option(help="Training budget of one run. [default: 180]")] = None,
    hours: Annotated[float | None, typer.Option(help="Active time of the study, at most 3. [default: 3]")] = None,
    corpus: Annotated[str | None, typer.Option(help="A file or folder of text. [default: shakespeare]")] = None,
    space: Annotated[str | None, typer.Option(help="seven, reference, full, or a TOML file. [default: seven]")] = None,
    sampler: Annotated[str | None, typer.Option(help="tpe, gp, random or cmaes. [default: tpe]")] = None,
    pruner: Annotated[str | None, typer.Option(help="halving, median or none. [default: halving]")] = None,
    workers: Annotated[int | None, typer.Option(help="Runs at a time. [default: 1]")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of each run. [default: cores / workers]")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides every draw of the study. [default: 0]")] = None,
    max_crashes: Annotated[int | None, typer.Option(help="Crashes in a row that stop a study. [default: 3]")] = None,
    confirm: Annotated[
        str | None, typer.Option(help="Best trials x fresh seeds to confirm the winner; 0 for none. [default: 3x2]")
    ] = None,
    repeat_starved: Annotated[
        int | None, typer.Option(help="Times to run a trial again whose machine was busy. [default: 0]")
    ] = None,
    storage: StorageOption = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with these options as keys.")] = None,
) -> int:
    """Create a study and run it."""
    from search.commands import start_command

    flags = {
        "trials": trials,
        "seconds": seconds,
        "hours": hours,
        "corpus": corpus,
        "space": space,
        "sampler": sampler,
        "pruner": pruner,
        "workers": workers,
        "threads": threads,
        "seed": seed,
        "max_crashes": max_crashes,
        "confirm": confirm,
        "repeat_starved": repeat_starved,
    }
    return start_command(name, flags, config, storage, began=BEGAN)


@app.command(epilog=example("bardtune resume shakes"))
def resume(
    name: Name,
    storage: StorageOption = None,
    accept_changes: Annotated[
        bool,
        typer.Option("--accept-changes", help="Go on although library versions have changed."),
    ] = False,
) -> int:
    """Continue a stored study with its own plan."""
    from search.commands import resume_command

    return resume_command(name, storage, began=BEGAN, accept_changes=accept_changes)


@app.command("list", epilog=example("bardtune list"))
def list_studies(storage: StorageOption = None, as_json: JsonOption = False) -> int:
    """List the stored studies."""
    from search.commands import list_command

    return list_command(storage, as_json=as_json)


@app.command(epilog=example("bardtune show shakes --json"))
def show(name: Name, storage: StorageOption = None, as_json: JsonOption = False) -> int:
    """Show one study: state, counts, best and trials."""
    from search.commands import show_command

    return show_command(name, storage, as_json=as_json)


@app.command(epilog=example("bardtune plot shakes --kind importance,parallel --format html,png --out plots"))
def plot(
    name: Name,
    kind: Annotated[
        str,
        typer.Option(
            help="Comma-separated: importance, parallel, history, curves, slice, contour, timeline, throughput; or all."
        ),
    ] = "importance,parallel,history,curves,slice,timeline",
    formats: Annotated[str, typer.Option("--format", help="Comma-separated: html, png, svg.")] = "html",
    evaluator: Annotated[
        str, typer.Option(help="Of the importance: regression, ped-anova, or fanova (needs 'bardtune[fanova]').")
    ] = "regression",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("plots"),
    storage: StorageOption = None,
) -> int:
    """Draw a study and print the path of each file."""
    from search.commands import PlotFlags, plot_command

    return plot_command(name, PlotFlags(kind=kind, formats=formats, evaluator=evaluator, out=out), storage)


@app.command(epilog=example("bardtune train --preset modern --seconds 60 --set d_model=96"))
def train(
    preset: Annotated[str, typer.Option(help="modern or reference.")] = "modern",
    seconds: Annotated[float | None, typer.Option(help="Training budget. [default: 180]")] = None,
    steps: Annotated[int | None, typer.Option(help="This many updates instead of seconds.")] = None,
    corpus: Annotated[str, typer.Option(help="shakespeare, or a file or folder of text.")] = "shakespeare",
    seed: Annotated[int, typer.Option(help="Weights and windows.", envvar="TORCH_SEED")] = 42,
    threads: Annotated[int | None, typer.Option(help="[default: all cores]")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: change one setting; may be repeated.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="A JSON file for the run and its fractions, to repeat it from Python.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Train once without a study; the last line on standard output is JSON."""
    from search.training import TrainFlags, train_command

    flags = TrainFlags(
        preset=preset,
        seconds=seconds,
        steps=steps,
        corpus=corpus,
        seed=seed,
        threads=threads,
        changes=changes or [],
        record=record,
    )
    return train_command(flags, as_json=as_json)


app.registered_commands.sort(
    key=lambda command: COMMANDS.index(str(command.name or getattr(command.callback, "__name__", "")))
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 done, 1 failed, 2 the user can fix it, 130 interrupted."""
    args = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    os.umask(os.umask(NOT_FOR_OTHERS) | NOT_FOR_OTHERS)
    try:
        code: Any = app(args=args, prog_name="bardtune", standalone_mode=False)
    except UserError as problem:
        return _complain(str(problem))
    except KeyboardInterrupt:
        print("bardtune: interrupted; what was stored is kept, see: bardtune list", file=sys.stderr)
        return 130
    except Exception as problem:
        if (usage := _usage_error(problem)) is not None:
            return _complain(usage)
        if not _is_database_error(problem):
            raise
        said = str(problem).strip().split("\n")[0]
        print(f"bardtune: the database has failed: {said}; what it holds is kept, see: bardtune list", file=sys.stderr)
        return 1
    return code if isinstance(code, int) else 0


def entry() -> None:
    """The console script."""
    sys.exit(main())


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _complain(sentence: str) -> int:
    print(f"bardtune: {sentence}", file=sys.stderr)
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
    said, context = str(format_message()).rstrip("."), getattr(problem, "ctx", None)
    stop = "" if said.endswith("?") else "."
    return f"{said}{stop} See: {context.command_path if context else 'bardtune'} --help."

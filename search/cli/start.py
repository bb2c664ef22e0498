"""``bardtune start``: create a study and run it."""

from pathlib import Path
from typing import Annotated

import typer
from bardtune.search.cli.options import BEGAN, StorageOption, app, example


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
    from bardtune.search.commands.start import start_command

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

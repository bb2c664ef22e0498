"""``bardtune space``: what a search space says, and whether it can be searched here."""

from typing import Annotated

import typer

from bardtune.search.cli.options import app, complete_from, example
from bardtune.search.sampling.spaces.registry import space_names, space_rows


@app.command(epilog=example("bardtune space seven > mine.toml", "bardtune space mine.toml --seconds 60"))
def space(
    name: Annotated[
        str,
        typer.Argument(
            help=f"A TOML file to check, or a built-in space to print: {', '.join(space_names())}.",
            metavar="SPACE",
            autocompletion=complete_from(space_rows),
        ),
    ],
    check: Annotated[bool, typer.Option("--check", help="Check a built-in space too.")] = False,
    draws: Annotated[int, typer.Option(help="Settings to draw and to try.", min=0, max=50)] = 10,
    corpus: Annotated[str, typer.Option(help="shakespeare, or a file or folder of text.")] = "shakespeare",
    seconds: Annotated[float, typer.Option(help="The budget of a run that is meant.")] = 180.0,
    threads: Annotated[int | None, typer.Option(help="[default: all cores]")] = None,
    seed: Annotated[int, typer.Option(help="Decides what is drawn.", min=0, max=2**31 - 1)] = 0,
) -> int:
    """Print a built-in search space, or explain one of yours and try some of it for three steps each."""
    from bardtune.search.commands.space import SpaceFlags, space_command

    flags = SpaceFlags(name=name, check=check, draws=draws, corpus=corpus, seconds=seconds, threads=threads, seed=seed)
    return space_command(flags)

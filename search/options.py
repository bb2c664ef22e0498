"""What all commands share on the command line: the application they register with, and their common options."""

from typing import Annotated

import typer

app = typer.Typer(
    name="bardtune",
    help="Search the hyperparameters of a small byte-level GPT that trains on CPU under a wall-clock budget.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(help="The study's name.", metavar="NAME")]
StorageOption = Annotated[
    str | None,
    typer.Option("--storage", help="Database URL. [default: sqlite in the data folder, see BARDTUNE_HOME]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")]

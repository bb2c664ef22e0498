"""What all commands share on the command line: the application they register with, and their common options."""

import time
from collections.abc import Callable
from typing import Annotated

import typer

BEGAN = time.monotonic()  # when the process began, for a study's active time

app = typer.Typer(
    name="bardtune",
    help="Search the hyperparameters of a small byte-level GPT that trains on CPU under a wall-clock budget.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """Study names that begin so, for the Tab key."""
    from bardtune.studies.store.completion import quick_names

    return [name for name in quick_names(ctx.params.get("storage")) if name.startswith(incomplete)]


def complete_from(rows: Callable[[], list[tuple[str, str]]]) -> Callable[[str], list[tuple[str, str]]]:
    """What the Tab key offers of names with their summaries: those that begin so."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        return [(name, summary) for name, summary in rows() if name.startswith(incomplete)]

    return complete


def example(*commands: str) -> str:
    """The end of a command's help: how it is called."""
    return "\b\n" + "\n".join(["Example:" if len(commands) == 1 else "Examples:", *(f"  {each}" for each in commands)])


NameArgument = typer.Argument(help="The study's name.", metavar="NAME", autocompletion=complete_name)
Name = Annotated[str, NameArgument]
StorageOption = Annotated[
    str | None,
    typer.Option("--storage", help="Database URL. [default: sqlite in the data folder, see BARDTUNE_HOME]"),
]
AcceptChangesOption = Annotated[
    bool, typer.Option("--accept-changes", help="Go on although library versions or the processor have changed.")
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        help="Of a cluster, with --launcher ray: auto, local or ray://HOST:PORT. [default: the one here, or a new one]"
    ),
]
OnBestOption = Annotated[
    str | None,
    typer.Option("--on-best", metavar="COMMAND", help="Run it in a shell at each new best trial; see docs/hooks.md."),
]
OnEndOption = Annotated[
    str | None, typer.Option("--on-end", metavar="COMMAND", help="Run it in a shell when the study has ended.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")]

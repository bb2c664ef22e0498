"""``bardtune plot``: pictures of a study."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bardtune.search.cli.options import Name, StorageOption, app, example
from bardtune.studies.plots.registry import DEFAULT_KINDS, FORMATS, KINDS


def complete_one_of(*choices: str) -> Callable[[str], list[str]]:
    """For the Tab key: what the last of several comma-separated items can become."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{choice}" for choice in choices if choice.startswith(last)]

    return complete


@app.command(epilog=example("bardtune plot shakes --kind importance,parallel --format html,png --out plots"))
def plot(
    name: Name,
    kind: Annotated[
        str,
        typer.Option(
            help=f"Comma-separated: {', '.join(KINDS)}; or all.", autocompletion=complete_one_of(*KINDS, "all")
        ),
    ] = ",".join(DEFAULT_KINDS),
    formats: Annotated[
        str,
        typer.Option(
            "--format", help=f"Comma-separated: {', '.join(FORMATS)}.", autocompletion=complete_one_of(*FORMATS)
        ),
    ] = "html",
    evaluator: Annotated[
        str,
        typer.Option(help="Of the importance: surrogate, regression, ped-anova, or fanova (needs 'bardtune[fanova]')."),
    ] = "regression",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("plots"),
    storage: StorageOption = None,
) -> int:
    """Draw a study and print the path of each file."""
    from bardtune.search.commands.plot import PlotFlags, plot_command

    return plot_command(name, PlotFlags(kind=kind, formats=formats, evaluator=evaluator, out=out), storage)

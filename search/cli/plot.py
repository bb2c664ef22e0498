"""``bardtune plot``: pictures of a study."""

from pathlib import Path
from typing import Annotated

import typer
from bardtune.search.cli.options import Name, StorageOption, app, example


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
    from bardtune.search.commands.plot import PlotFlags, plot_command

    return plot_command(name, PlotFlags(kind=kind, formats=formats, evaluator=evaluator, out=out), storage)

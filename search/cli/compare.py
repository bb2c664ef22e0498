"""``bardtune compare``: several studies side by side."""

from pathlib import Path
from typing import Annotated

import typer

from bardtune.search.cli.options import JsonOption, StorageOption, app, complete_name, example
from bardtune.search.cli.plot import complete_one_of
from bardtune.studies.plots.registry import FORMATS


@app.command(epilog=example("bardtune compare plays novel", "bardtune compare plays novel --format png --out plots"))
def compare(
    names: Annotated[
        list[str], typer.Argument(help="The studies, two or more.", metavar="NAME...", autocompletion=complete_name)
    ],
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=f"Also draw their best so far in one picture. Comma-separated: {', '.join(FORMATS)}.",
            autocompletion=complete_one_of(*FORMATS),
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write the picture to. [default: plots]")] = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compare studies: what they were asked, what they found, and which is better, with how sure that is."""
    from bardtune.search.commands.compare import compare_command

    return compare_command(names, formats, out, storage, as_json=as_json)

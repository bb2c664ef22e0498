"""``bardtune replay``: an export checked and trained again."""

from pathlib import Path
from typing import Annotated

import typer

from bardtune.search.cli.options import JsonOption, app, example


@app.command(epilog=example("bardtune replay winner --quick"))
def replay(
    folder: Annotated[Path, typer.Argument(help="What bardtune export has written.", metavar="DIR")],
    quick: Annotated[bool, typer.Option("--quick", help="Train to the first report only.")] = False,
    corpus: Annotated[
        str | None, typer.Option(help="The text. [default: corpus.bin in DIR, or shakespeare if it was that]")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Check an export and train it again by its recorded steps.

    Exit code 0: verified, or equal within tolerance; 1: different; 2: changed, or no export.
    """
    from bardtune.search.commands.replay import replay_command

    return replay_command(folder, corpus, quick=quick, as_json=as_json)

"""``bardtune report``: one page about a study."""

from pathlib import Path
from typing import Annotated

import typer

from bardtune.search.cli.options import Name, StorageOption, app, example


@app.command(epilog=example("bardtune report shakes", "bardtune report shakes --out shakes.html"))
def report(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="The file to write. [default: NAME-report.html]")] = None,
    no_sample: Annotated[
        bool, typer.Option("--no-sample", help="Leave out the text that the winner writes: saves about ten seconds.")
    ] = False,
    storage: StorageOption = None,
) -> int:
    """Write one self-contained HTML page about a study and print its path.

    It needs no network, and tells no host, user, path or password. It holds a sample of what the winner writes, which
    may repeat pieces of the text that it has learned.
    """
    from bardtune.search.commands.report import report_command

    return report_command(name, storage, out=out, with_sample=not no_sample)

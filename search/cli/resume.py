"""``bardtune resume``: continue a stored study."""

from typing import Annotated

import typer

from bardtune.search.cli.options import BEGAN, Name, StorageOption, app, example


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
    from bardtune.search.commands.resume import resume_command

    return resume_command(name, storage, began=BEGAN, accept_changes=accept_changes)

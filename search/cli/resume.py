"""``bardtune resume``: continue a stored study."""

from typing import Annotated

import typer

from bardtune.search.cli.options import BEGAN, AcceptChangesOption, Name, StorageOption, app, example


@app.command(epilog=example("bardtune resume shakes"))
def resume(
    name: Name,
    corpus: Annotated[
        str | None, typer.Option(help="Where the study's text lies now, if it was moved; the same bytes.")
    ] = None,
    storage: StorageOption = None,
    accept_changes: AcceptChangesOption = False,
) -> int:
    """Continue a stored study with its own plan."""
    from bardtune.search.commands.resume import resume_command

    return resume_command(name, storage, began=BEGAN, accept_changes=accept_changes, corpus=corpus)

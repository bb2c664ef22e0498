"""``bardtune resume``: continue a stored study."""

from typing import Annotated

import typer

from bardtune.search.cli.options import (
    BEGAN,
    AcceptChangesOption,
    AddressOption,
    Name,
    OnBestOption,
    OnEndOption,
    StorageOption,
    app,
    complete_from,
    example,
)
from bardtune.search.launch.registry import LAUNCHERS

LAUNCHER = typer.Option(
    help=f"Where the runs train from now on: {', '.join(LAUNCHERS.names)}. [default: as before]",
    autocompletion=complete_from(LAUNCHERS.rows),
)


@app.command(epilog=example("bardtune resume shakes", "bardtune resume shakes --launcher ray --workers 8"))
def resume(
    name: Name,
    corpus: Annotated[
        str | None, typer.Option(help="Where the study's text lies now, if it was moved; the same bytes.")
    ] = None,
    launcher: Annotated[str | None, LAUNCHER] = None,
    workers: Annotated[int | None, typer.Option(help="Runs at a time from now on. [default: as before]")] = None,
    address: AddressOption = None,
    on_best: OnBestOption = None,
    on_end: OnEndOption = None,
    storage: StorageOption = None,
    accept_changes: AcceptChangesOption = False,
) -> int:
    """Continue a stored study with its own plan."""
    from bardtune.search.commands.resume import resume_command

    return resume_command(
        name,
        storage,
        began=BEGAN,
        accept_changes=accept_changes,
        corpus=corpus,
        launcher=launcher,
        workers=workers,
        address=address,
        on_best=on_best,
        on_end=on_end,
    )

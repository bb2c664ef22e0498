"""``bardtune extend``: more of a study."""

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
    example,
)
from bardtune.studies.plan import MAX_HOURS, MAX_TRIALS


@app.command(epilog=example("bardtune extend shakes --trials 40", "bardtune extend shakes --hours 2"))
def extend(
    name: Name,
    trials: Annotated[
        int | None,
        typer.Option(help=f"Training runs in all, those included that were made; at most {MAX_TRIALS}."),
    ] = None,
    hours: Annotated[float | None, typer.Option(help=f"Active time in all, at most {MAX_HOURS:g}.")] = None,
    address: AddressOption = None,
    on_best: OnBestOption = None,
    on_end: OnEndOption = None,
    storage: StorageOption = None,
    accept_changes: AcceptChangesOption = False,
) -> int:
    """Give a study more trials or hours, and go on with it; without more, with what has ended its search early."""
    from bardtune.search.commands.extend import extend_command

    return extend_command(
        name,
        storage,
        began=BEGAN,
        trials=trials,
        hours=hours,
        accept_changes=accept_changes,
        address=address,
        on_best=on_best,
        on_end=on_end,
    )

"""``bardtune rename``: another name for a study."""

from typing import Annotated

import typer

from bardtune.search.cli.options import Name, StorageOption, app, example


@app.command(epilog=example("bardtune rename study-20261128-120000 shakes"))
def rename(
    name: Name,
    new_name: Annotated[str, typer.Argument(help="What it is to be called.")],
    storage: StorageOption = None,
) -> int:
    """Give a study another name; its trials, weights and logs stay its own."""
    from bardtune.search.commands.rename import rename_command

    return rename_command(name, new_name, storage)

"""``bardtune delete``: the end of a study."""

from typing import Annotated

import typer

from bardtune.search.cli.options import Name, StorageOption, app, example


@app.command(epilog=example("bardtune delete shakes --yes"))
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    storage: StorageOption = None,
) -> int:
    """Delete a study with its trials, checkpoints, weights and logs.

    Asks first. Files that other commands wrote where you told them stay.
    """
    from bardtune.search.commands.delete import delete_command

    return delete_command(name, storage, yes=yes)

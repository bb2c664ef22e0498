"""``bardtune delete``."""

from typing import Annotated

import typer

from search.options import Name, StorageOption, app


@app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    storage: StorageOption = None,
) -> int:
    """Delete a study with its trials, checkpoints, weights and logs.

    Asks first. Files that other commands wrote where you told them stay. Example: bardtune delete shakes --yes
    """
    from search.deletion import delete_command

    return delete_command(name, storage, yes=yes)

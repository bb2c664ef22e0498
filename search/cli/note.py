"""``bardtune note``: words of one's own about a study."""

from typing import Annotated

import typer

from bardtune.search.cli.options import Name, StorageOption, app, example


@app.command(epilog=example('bardtune note shakes "with the new tokenizer"'))
def note(
    name: Name,
    text: Annotated[str, typer.Argument(help='What to remember; "" takes the note away.')],
    storage: StorageOption = None,
) -> int:
    """Keep a note with a study, for show, report and export; also while it runs."""
    from bardtune.search.commands.note import note_command

    return note_command(name, text, storage)

"""``bardtune export``: the winner as files."""

from pathlib import Path
from typing import Annotated

import typer

from bardtune.search.cli.options import Name, StorageOption, app, example


@app.command(epilog=example("bardtune export shakes --out winner"))
def export(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="New folder to write to. [default: NAME-export]")] = None,
    with_corpus: Annotated[
        bool, typer.Option("--with-corpus", help="Put the text beside the program, as corpus.bin.")
    ] = False,
    storage: StorageOption = None,
) -> int:
    """Take the winner home: a program, its weights and the study's log."""
    from bardtune.search.commands.export import export_command

    return export_command(name, out, storage, with_corpus=with_corpus)

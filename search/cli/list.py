"""``bardtune list``: the stored studies."""

from typing import Annotated

import typer

from bardtune.search.cli.options import JsonOption, StorageOption, app, example


@app.command("list", epilog=example("bardtune list", "bardtune list --corpus novel --since 3d"))
def list_studies(
    corpus: Annotated[str | None, typer.Option(help="Only those on a text whose name or path has this in it.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only those that have had a run since: 2026-11-28, or 12h, 3d, 2w ago.")
    ] = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the stored studies."""
    from bardtune.search.commands.list import list_command

    return list_command(storage, corpus=corpus, since=since, as_json=as_json)

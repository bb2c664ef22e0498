"""``bardtune list``: the stored studies."""

from bardtune.search.cli.options import JsonOption, StorageOption, app, example


@app.command("list", epilog=example("bardtune list"))
def list_studies(storage: StorageOption = None, as_json: JsonOption = False) -> int:
    """List the stored studies."""
    from bardtune.search.commands.list import list_command

    return list_command(storage, as_json=as_json)

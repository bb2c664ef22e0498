"""``bardtune show``: one study."""

from bardtune.search.cli.options import JsonOption, Name, StorageOption, app, example


@app.command(epilog=example("bardtune show shakes --json"))
def show(name: Name, storage: StorageOption = None, as_json: JsonOption = False) -> int:
    """Show one study: state, counts, best and trials."""
    from bardtune.search.commands.show import show_command

    return show_command(name, storage, as_json=as_json)

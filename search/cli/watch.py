"""``bardtune watch``: a running study, from another terminal."""

from bardtune.search.cli.options import Name, StorageOption, app, example


@app.command(epilog=example("bardtune watch shakes"))
def watch(name: Name, storage: StorageOption = None) -> int:
    """Watch a study that another process runs, until it ends.

    It only reads, and Ctrl-C stops the watching alone. Between two reports of a trial its clock is an estimate.
    """
    from bardtune.search.commands.watch import watch_command

    return watch_command(name, storage)

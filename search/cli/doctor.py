"""``bardtune doctor``: what is wrong with this machine and the storage."""

from bardtune.search.cli.options import JsonOption, StorageOption, app, example


@app.command(epilog=example("bardtune doctor --json"))
def doctor(storage: StorageOption = None, as_json: JsonOption = False) -> int:
    """Look at this machine, the corpus and the storage, and say what to do about what is wrong.

    Exit code 0 if there is no problem (warnings are none), 1 if there is one.
    """
    from bardtune.search.commands.doctor import doctor_command

    return doctor_command(storage, as_json=as_json)

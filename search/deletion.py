"""What ``bardtune delete`` asks and prints."""

import sys

from data.errors import UserError
from search.commands import quiet_libraries, storage_url
from studies.deleting import delete_study, find_doomed
from studies.home import data_home
from studies.storage import Storage


def delete_command(name: str, storage: str | None, *, yes: bool) -> int:
    """Returns 0 when the study is deleted, 1 when the user would rather keep it."""
    quiet_libraries()
    opened = Storage(storage_url(storage), create=False)
    doomed = find_doomed(opened, name)
    runs = f"{doomed.num_runs} run{'' if doomed.num_runs == 1 else 's'}"
    if not yes and not _agrees(f"delete the study {name} with its {runs}, checkpoints and weights? [y/N] ", name):
        print("nothing was deleted.")
        return 1
    delete_study(opened, data_home(), name)
    print(f"deleted the study {name} with its {runs}.")
    if doomed.elsewhere:
        folders = "" if doomed.study_id is None else f" checkpoints/{doomed.study_id}, weights/{doomed.study_id} and"
        print(
            f"it ran on {', '.join(doomed.elsewhere)} too, where its files stay: in the data folder there,{folders} "
            f"logs/{name}-worker*.log."
        )
    return 0


def _agrees(question: str, name: str) -> bool:
    if not sys.stdin.isatty():
        raise UserError(f"deleting {name!r} cannot be undone, and there is no terminal to ask on; say --yes.")
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")

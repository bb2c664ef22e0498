"""What ``bardtune delete`` asks and prints."""

import sys

from bardtune.data.errors import UserError
from bardtune.search.commands.shared import quiet_libraries, storage_url
from bardtune.studies.store.deleting import delete_study, plan_deletion
from bardtune.studies.store.home import data_home
from bardtune.studies.store.storage import Storage


def delete_command(name: str, storage: str | None, *, yes: bool) -> int:
    """Returns 0 when the study is deleted, 1 when the user would rather keep it."""
    quiet_libraries()
    opened = Storage(storage_url(storage), create=False)
    plan = plan_deletion(opened, name)
    runs = f"{plan.num_runs} run{'' if plan.num_runs == 1 else 's'}"
    if not yes and not _agrees(f"delete the study {name} with its {runs}, checkpoints and weights? [y/N] ", name):
        print("nothing was deleted.")
        return 1
    delete_study(opened, data_home(), name)
    print(f"deleted the study {name} with its {runs}.")
    if plan.other_hosts:
        folders = "" if plan.study_id is None else f" checkpoints/{plan.study_id}, weights/{plan.study_id} and"
        print(
            f"it ran on {', '.join(plan.other_hosts)} too, where its files stay: in the data folder there,{folders} "
            f"logs/{name}-worker*.log."
        )
    return 0


def _agrees(question: str, name: str) -> bool:
    if not sys.stdin.isatty():
        raise UserError(f"deleting {name!r} cannot be undone, and there is no terminal to ask on; say --yes.")
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")

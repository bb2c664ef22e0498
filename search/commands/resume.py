"""What ``bardtune resume`` does and prints."""

from typing import Any

from bardtune.search.commands.shared import ownership_lost, print_summary, quiet_libraries, storage_url
from bardtune.search.engine.session import exit_code, resume_study
from bardtune.search.terminal.hooks import Hooks
from bardtune.search.terminal.live import make_view, screen
from bardtune.studies.store.lock import OwnershipLostError
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study


def resume_command(
    name: str,
    storage: str | None,
    *,
    began: float,
    on_best: str | None = None,
    on_end: str | None = None,
    **changes: Any,
) -> int:
    """``changes`` are the keywords of ``resume_study``."""
    hooks = Hooks(on_best, on_end)
    quiet_libraries()
    view = make_view(screen())
    url = storage_url(storage)
    try:
        finished = read_study(ReadOnlyStorage(url), name).state == "finished"
        record = resume_study(url, name, view, began=began, hooks=hooks, **changes)
    except OwnershipLostError as problem:
        return ownership_lost(problem)
    if finished:
        print(f"the study {name} is finished; no trial was added.")
    print_summary(record, storage)
    return exit_code(record)

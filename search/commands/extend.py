"""What ``bardtune extend`` does and prints."""

from typing import Any

from bardtune.search.commands.shared import ownership_lost, print_summary, quiet_libraries, storage_url
from bardtune.search.engine.session import exit_code, extend_study
from bardtune.search.terminal.hooks import Hooks
from bardtune.search.terminal.live import make_view, screen
from bardtune.studies.store.lock import OwnershipLostError


def extend_command(
    name: str,
    storage: str | None,
    *,
    began: float,
    on_best: str | None = None,
    on_end: str | None = None,
    **more: Any,
) -> int:
    """``more`` are further keywords of ``extend_study``."""
    hooks = Hooks(on_best, on_end)
    quiet_libraries()
    view = make_view(screen())
    try:
        record = extend_study(storage_url(storage), name, view, began=began, hooks=hooks, **more)
    except OwnershipLostError as problem:
        return ownership_lost(problem)
    print_summary(record, storage)
    return exit_code(record)

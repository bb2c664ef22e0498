"""What ``bardtune start`` does and prints."""

from pathlib import Path
from typing import Any

from bardtune.search.commands.shared import ownership_lost, print_summary, quiet_libraries, storage_url
from bardtune.search.engine.planning import fresh_name, read_plan_file, resolve_plan
from bardtune.search.engine.session import exit_code, start_study
from bardtune.search.terminal.hooks import Hooks
from bardtune.search.terminal.live import make_view, screen
from bardtune.studies.store.lock import OwnershipLostError


def start_command(
    name: str | None,
    flags: dict[str, Any],
    config: Path | None,
    storage: str | None,
    *,
    began: float,
    on_best: str | None = None,
    on_end: str | None = None,
    **more: Any,
) -> int:
    """``more`` are further keywords of ``start_study``."""
    plan = resolve_plan(flags, read_plan_file(config))
    hooks = Hooks(on_best, on_end)
    quiet_libraries()
    view = make_view(screen())
    name = fresh_name() if name is None else name
    try:
        record = start_study(storage_url(storage), name, plan, view, began=began, hooks=hooks, **more)
    except OwnershipLostError as problem:
        return ownership_lost(problem)
    print_summary(record, storage)
    return exit_code(record)

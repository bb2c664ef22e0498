"""What ``bardtune extend`` does and prints."""

from bardtune.search.commands.shared import ownership_lost, print_summary, quiet_libraries, storage_url
from bardtune.search.engine.session import exit_code, extend_study
from bardtune.search.terminal.live import make_view, screen
from bardtune.studies.store.lock import OwnershipLostError


def extend_command(
    name: str,
    storage: str | None,
    *,
    began: float,
    trials: int | None,
    hours: float | None,
    accept_changes: bool,
    address: str | None,
) -> int:
    quiet_libraries()
    view = make_view(screen())
    try:
        record = extend_study(
            storage_url(storage),
            name,
            view,
            began=began,
            trials=trials,
            hours=hours,
            accept_changes=accept_changes,
            address=address,
        )
    except OwnershipLostError as problem:
        return ownership_lost(problem)
    print_summary(record, storage)
    return exit_code(record)

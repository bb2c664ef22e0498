"""The launchers there are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bardtune.data.host import available_cores
from bardtune.search.launch.protocol import Launcher
from bardtune.search.registry import Kind, Registry

if TYPE_CHECKING:  # --help does without them
    from bardtune.studies.records import StudyRecord
    from bardtune.studies.store.home import Home


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What a launcher is made for: a study as it is stored, and what its user has said of the place to train in."""

    record: "StudyRecord"
    home: "Home"  # its logs go there
    address: str | None = None  # of a cluster; None: whatever the launcher takes for usual
    accept_changes: bool = False  # train on another kind of processor than before

    def log(self, worker: int) -> Path:
        return self.home.worker_log(self.record.name, worker)


@dataclass(frozen=True, kw_only=True, slots=True)
class LauncherKind(Kind):
    """One place for runs to train in."""

    make: Callable[[Site], Launcher]
    num_cores: Callable[[], int] = available_cores  # for all runs together; a plan that wants more is refused
    is_here: bool = True  # on this machine, whose processor the study is held to
    has_address: bool = False  # whether its user may say where it is


LAUNCHERS = Registry[LauncherKind](
    noun="launcher",
    package="bardtune.search.launch",
    names=(
        "local",
        "ray",
    ),
)

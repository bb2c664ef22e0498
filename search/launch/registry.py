"""The launchers there are."""

from collections.abc import Callable
from dataclasses import dataclass

from bardtune.data.host import available_cores
from bardtune.search.launch.protocol import Launcher
from bardtune.search.registry import Kind, Registry
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.home import Home


@dataclass(frozen=True, kw_only=True, slots=True)
class LauncherKind(Kind):
    """One place for runs to train in."""

    make: Callable[[StudyPlan, str, Home], Launcher]  # for a study, by its plan and name; its logs go into the home
    num_cores: Callable[[], int] = available_cores  # for all runs together; a plan that wants more is refused


LAUNCHERS = Registry[LauncherKind](
    noun="launcher",
    package="bardtune.search.launch",
    names=("local",),
)

"""Stops nothing: every trial spends its whole budget."""

from typing import TYPE_CHECKING

from bardtune.search.sampling.pruners.registry import Pruner, PrunerKind

if TYPE_CHECKING:
    from bardtune.search.launch.protocol import Measured
    from bardtune.search.sampling.so_far import StudySoFar
    from bardtune.studies.store.open_run import OpenRun


class NoPruner:
    """A ``Pruner`` that has no reasons."""

    def begin(self, run: "OpenRun") -> None:
        return

    def reason_to_stop(self, run: "OpenRun", measured: "Measured") -> str | None:
        return None


def make(so_far: "StudySoFar") -> Pruner:
    return NoPruner()


KIND = PrunerKind(summary="stops nothing", make=make)

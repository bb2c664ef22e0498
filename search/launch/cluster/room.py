"""For how many runs there is room: for the coordinator at once, for the user when that has settled."""

import time

from bardtune.search.launch.protocol import Notice
from bardtune.search.launch.ray import Room

SETTLED_S = 20.0  # after the number of workers that are ready has changed last, it is told


class RoomTeller:
    """Tells of the workers that are ready, whenever their number has changed.

    Args:
        wanted: workers of the study.
        threads: of each.
    """

    def __init__(self, wanted: int, threads: int) -> None:
        self.wanted, self.threads = wanted, threads
        self.num_told = -1  # as the coordinator knows
        self.num_said = wanted  # as the user knows
        self.changed_at = time.monotonic()

    def tell(self, ready: int) -> Room | Notice | None:
        """What is to be told, now that so many are ready."""
        now = time.monotonic()
        if ready != self.num_told:
            self.num_told, self.changed_at = ready, now
            return Room(workers=ready)
        if ready == self.num_said or now - self.changed_at <= SETTLED_S:
            return None
        self.num_said = ready
        if ready == self.wanted:
            return Notice(text=f"all {self.wanted} workers have a node")
        cpus = f"{self.threads} free CPU{'s' * (self.threads != 1)}"
        return Notice(text=f"{ready} of {self.wanted} workers have a node; the others wait for one with {cpus}")

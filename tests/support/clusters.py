"""Ray clusters of several nodes on this machine."""

import os
import subprocess
import sys
from importlib.util import find_spec
from types import TracebackType

import pytest

needs_ray = pytest.mark.skipif(
    find_spec("ray") is None and not os.environ.get("CI"), reason="ray is not installed: pip install 'bardtune[ray]'"
)

KEEPER = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
nodes = []
print("address", cluster.address, flush=True)
for line in sys.stdin:
    what, number = line.split()
    if what == "add":
        nodes.append(cluster.add_node(num_cpus=int(number)))
    else:
        cluster.remove_node(nodes[int(number)], allow_graceful=False)
    print("done", what, flush=True)
cluster.shutdown()
"""


class ClusterAtHand:
    """A head that only directs, and nodes that come and go; kept by a process of its own."""

    def __init__(self, *num_cpus: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", KEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"},
        )
        self.address = self._answer("address")
        for each in num_cpus:
            self.add(each)

    def add(self, num_cpus: int = 1) -> None:
        self._say(f"add {num_cpus}")

    def kill(self, index: int) -> None:
        """Kill a node, by the order in which they were added."""
        self._say(f"kill {index}")

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        self._answer("done")

    def _answer(self, word: str) -> str:
        """The rest of the next line that begins with the word; Ray writes others."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(f"{word} "):
                return line.split()[1]
        raise AssertionError(f"the cluster has ended with {self.process.wait()}")

    def __enter__(self) -> "ClusterAtHand":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()

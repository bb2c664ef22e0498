"""A Ray cluster whose nodes have network namespaces of their own, so that one can be cut off (Linux, as root)."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

RAY = str(Path(sys.executable).with_name("ray"))
BRIDGE, NETWORK, PORT = "bardtune0", "10.77.0", 6399


def can_make_namespaces() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("ip") is not None


def ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=True)


class SeparateNodes:
    """A head beside this process, and nodes of one CPU each behind a cable that can be pulled."""

    def __init__(self, num_nodes: int) -> None:
        self.num_nodes = num_nodes
        self.processes: list[subprocess.Popen[bytes]] = []
        self.address = f"{NETWORK}.1:{PORT}"

    def __enter__(self) -> "SeparateNodes":
        self._clear()
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        head = [f"--node-ip-address={NETWORK}.1", f"--port={PORT}", "--head", "--num-cpus=0"]
        self._start([], [*head, "--include-dashboard=false"])
        for number in range(self.num_nodes):
            name, address = f"bardtune{number}", f"{NETWORK}.{number + 2}"
            ip("netns", "add", name)
            ip("link", "add", f"bt{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"bt{number}", "master", BRIDGE, "up")
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
            self._start(
                ["ip", "netns", "exec", name],
                [f"--node-ip-address={address}", f"--address={self.address}", "--num-cpus=1"],
            )
        return self

    def _start(self, before: list[str], arguments: list[str]) -> None:
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
        command = [*before, RAY, "start", "--block", *arguments]
        self.processes.append(
            subprocess.Popen(
                command,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        time.sleep(8.0)  # one after the other: they choose their ports without asking each other

    def cut_off(self, number: int, seconds: float) -> None:
        ip("link", "set", f"bt{number}", "down")
        time.sleep(seconds)
        ip("link", "set", f"bt{number}", "up")

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                process.kill()
        self._clear()

    def _clear(self) -> None:
        for number in range(self.num_nodes):
            ip("link", "del", f"bt{number}", check=False)
            ip("netns", "del", f"bardtune{number}", check=False)
        ip("link", "del", BRIDGE, check=False)

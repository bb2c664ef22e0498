"""A real PostgreSQL server, started, stopped and restarted by the tests."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

PASSWORD = "out-damned-spot"


def find_binaries() -> Path | None:
    """The folder with Debian's ``initdb`` and ``pg_ctl``, which is on nobody's path; None if it is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    found = shutil.which("pg_ctl")
    return folders[-1] if folders else (Path(found).resolve().parent if found else None)


class Server:
    """A server of its own on a free port of this machine, with one user who has a password."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="bardtune-postgres-"))
        # A server refuses to run as root; Debian's package brings a user for it.
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        shutil.chown(self.folder, self.user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            "initdb", "-D", str(self.data), "-U", "will", "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8"
        )

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://will:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self._run(
            "pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "-t", "300", "-o", options, "start"
        )

    def kill(self) -> None:
        """SIGKILL, and wait until nothing of it is left: it starts again only then."""
        pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        group = [pid, *(child.pid for child in psutil.Process(pid).children())]
        for each in group:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        end = time.monotonic() + 60
        while any(map(psutil.pid_exists, group)) and time.monotonic() < end:
            time.sleep(0.02)

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *args: str) -> None:
        subprocess.run(
            [self.binaries / program, *args],
            check=True,
            user=self.user if os.getuid() == 0 else None,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=600,
        )

"""What ``bardtune dashboard`` serves: optuna-dashboard on the studies, as a reader.

optuna-dashboard can rename and delete studies, end trials and write notes, which would break a running study; so its
requests that change something are refused, and behind that the database is opened read-only.
"""

import os
import sys
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from bardtune.search.commands.shared import quiet_libraries, storage_url
from bardtune.studies.errors import PlanError
from bardtune.studies.store.read_only import ReadOnlyStorage

READING = ("GET", "HEAD", "OPTIONS")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NICENESS = 10  # its plots are computed on the cores that train
App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def dashboard_command(storage: str | None, host: str, port: int) -> int:
    """Serve until Ctrl-C.

    Raises:
        PlanError: optuna-dashboard is not installed, or the address cannot be had.
    """
    try:
        from optuna_dashboard import wsgi
    except ModuleNotFoundError as problem:
        raise PlanError(
            "the dashboard needs a package more; install it with: pip install 'bardtune[dashboard]'."
        ) from problem
    quiet_libraries()
    opened = ReadOnlyStorage(storage_url(storage))
    app = reading_only(wsgi(opened.rdb), local=host in LOOPBACK)
    try:
        server = make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
    except (OSError, OverflowError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        raise PlanError(f"cannot listen on {host}:{port}: {why}; choose another --port.") from problem
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if host not in LOOPBACK:
        print(f"bardtune: whoever reaches {host}:{port} can read all these studies", file=sys.stderr)
    print(f"optuna-dashboard, reading only: http://{host}:{server.server_port}/  (Ctrl-C ends it)", file=sys.stderr)
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def reading_only(app: App, *, local: bool) -> App:
    """``app`` without its requests that change something.

    Args:
        local: refuse also what is addressed to another host; a page elsewhere could point its name to this machine.
    """

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in READING:
            return _refuse(start_response, "bardtune serves this dashboard for reading only")
        if local and _host(environ.get("HTTP_HOST", "")) not in LOOPBACK:
            return _refuse(start_response, "this dashboard is for this machine only")
        return app(environ, start_response)

    return guarded


def _host(named: str) -> str:
    """The host of a Host header, without its port."""
    if named.startswith("["):
        return named[1:].partition("]")[0]
    return named.partition(":")[0].lower()


def _refuse(start_response: Callable[..., Any], reason: str) -> Iterable[bytes]:
    start_response("403 Forbidden", [("Content-Type", "application/json")])
    return [f'{{"reason": "{reason}"}}'.encode()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    """Without a line for each request."""

    def log_message(self, format: str, *args: Any) -> None:
        return

"""The process between the coordinator and a Ray cluster: orders on standard input, events on a pipe of its own.

It is a process of its own because Ray takes over signals and standard error, may block for a minute when its cluster
is away, and ends its process when that stays away: nothing of this may happen to the coordinator, which keeps a study.
Workers end with this process, and this process with the coordinator.
"""

import logging
import os
import queue
import signal
import socket
import sys
import threading
import traceback
from typing import Any, BinaryIO, TextIO

from bardtune.data.errors import UserError
from bardtune.search.launch.processes import die_with_parent
from bardtune.search.launch.protocol import Notice, Order, StopOrder
from bardtune.search.launch.ray import Brief, Broken, brief_from
from bardtune.search.launch.wire import decode_order, encode

TICK_S = 0.05
CONNECT_WITHIN_S = 10.0


def main() -> None:
    die_with_parent(int(sys.argv[1]))
    number = int(sys.argv[2])
    os.set_inheritable(number, False)
    brief = brief_from(sys.stdin.readline())
    orders: queue.Queue[Order | None] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin, orders), daemon=True).start()
    with os.fdopen(number, "wb") as channel:
        try:
            _follow(brief, orders, channel)
        except BrokenPipeError:
            os._exit(0)
        except Exception as problem:
            if not isinstance(problem, UserError):
                traceback.print_exc()
            _tell(channel, Broken(text=_sentence(brief, problem)))
    os._exit(0)  # Ray's own way out takes its time, and there is nothing left to be saved


def _listen(lines: TextIO, orders: "queue.Queue[Order | None]") -> None:
    for line in lines:
        orders.put(decode_order(line))
    orders.put(None)  # the coordinator wants no more, or is gone


def _follow(brief: Brief, orders: "queue.Queue[Order | None]", channel: BinaryIO) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # for a cluster that is begun here
    import ray

    place = brief.address or os.environ.get("RAY_ADDRESS")
    _tell(channel, Notice(text=f"connecting to the Ray cluster {place or 'that runs here, or beginning one'} ..."))
    _check_reachable(place if brief.address in (None, "auto") else brief.address)
    is_own = brief.address == "local"
    ray.init(
        address=brief.address,
        log_to_driver=False,
        logging_level=logging.ERROR,
        include_dashboard=False if is_own else None,
        namespace="bardtune",
    )
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # sent to a whole job: the coordinator decides what becomes of the runs
    from bardtune.search.launch.cluster.fleet import Fleet

    fleet = Fleet(brief)
    while True:
        while not orders.empty():
            order = orders.get()
            if order is None:
                fleet.close()
                ray.shutdown()
                return
            if isinstance(order, StopOrder):
                fleet.stop(order.run_id, order.ending)
            else:
                fleet.start(order)
        if events := fleet.step(TICK_S):
            _tell(channel, *events)


def _tell(channel: BinaryIO, *messages: Any) -> None:
    channel.write(b"".join(map(encode, messages)))
    channel.flush()


def _check_reachable(address: str | None) -> None:
    """Raise OSError if nobody answers at a HOST:PORT, for which Ray would wait for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_WITHIN_S).close()


def _sentence(brief: Brief, problem: Exception) -> str:
    """What went wrong, for the user."""
    if isinstance(problem, UserError):
        return str(problem)
    place = "here" if brief.address is None else f"at {brief.address}"
    reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0][:300]
    token = "" if "RAY_AUTH_MODE" in os.environ else ", set RAY_AUTH_MODE=token if it asks for one"
    return (
        f"the Ray cluster {place} cannot be used: {reason.rstrip('.')}; see that it runs (ray status){token}, or give "
        "another --address, and resume the study."
    )


if __name__ == "__main__":
    main()

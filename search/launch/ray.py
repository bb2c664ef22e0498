"""Trains runs on the nodes of a Ray cluster, through a process of its own; see ``cluster/bridge.py``."""

import json
import os
import selectors
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bardtune.data.files import shorten
from bardtune.search.launch.piped import MOST_LOG_BYTES, LauncherError, PipedProcess
from bardtune.search.launch.protocol import LauncherEvent, Notice, RunOrder, ScoreOrder, StopEnding, StopOrder
from bardtune.search.launch.registry import LauncherKind, Site
from bardtune.search.launch.wire import EVENTS, decode, encode

BRIDGE_MODULE = "bardtune.search.launch.cluster.bridge"
CLOSE_WITHIN_S = 8.0  # a cluster that was begun for the study has to be ended, too
ANY_NUMBER = 10_000  # of cores: how many a cluster has is known when it is asked, and may change


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """What the bridge has to know of a study."""

    address: str | None  # of the cluster; None: the one that runs here, or else a new one
    workers: int
    threads: int
    corpus: str
    corpus_sha256: str
    kind: tuple[str, bool] | None  # processor and numba, that the runs so far were made on
    is_mixed: bool
    known_nodes: dict[str, list[int]]  # numbers by host
    logs: list[str]  # of each worker, here


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """For so many runs there is room."""

    workers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """The bridge cannot go on, for this reason; its last message."""

    text: str


def brief_from(text: str) -> Brief:
    """Read a brief that was written as JSON."""
    values = json.loads(text)
    kind = values.pop("kind")
    return Brief(**values, kind=None if kind is None else (kind[0], kind[1]))


MESSAGES: dict[str, type] = {**EVENTS, **{kind.__name__: kind for kind in (Notice, Room, Broken)}}


class RayLauncher:
    """A ``Launcher`` on the nodes of a Ray cluster."""

    def __init__(self, brief: Brief, site: Site) -> None:
        self.capacity = 0  # until workers have been begun
        self.broken: str | None = None
        self.bridge = PipedProcess(BRIDGE_MODULE, log=site.home.cluster_log(site.record.name))
        shorten(self.bridge.log, MOST_LOG_BYTES)
        self.bridge.spawn([], dict(os.environ))
        self.bridge.send(json.dumps(asdict(brief)).encode() + b"\n")

    def start(self, order: RunOrder | ScoreOrder) -> None:
        self.bridge.send(encode(order))

    def events(self, timeout_s: float) -> list[LauncherEvent]:
        if self.broken is not None:
            raise LauncherError(self.broken)
        found: list[LauncherEvent] = []
        with selectors.DefaultSelector() as selector:
            selector.register(self.bridge.channel, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                return found
        lines = self.bridge.receive()
        if lines is None:
            self.capacity = 0
            raise LauncherError(
                "the process that speaks with the Ray cluster has ended, perhaps because the cluster has; its log is "
                f"{self.bridge.log}; see that the cluster runs (ray status) and resume the study."
            )
        messages: list[LauncherEvent | Room | Broken] = [decode(line, MESSAGES) for line in lines]
        for message in messages:
            if isinstance(message, Room):
                self.capacity = message.workers
            elif isinstance(message, Broken):
                self.broken, self.capacity = message.text, 0
            else:
                found.append(message)
        return found

    def stop(self, run_id: str, ending: StopEnding) -> None:
        self.bridge.send(encode(StopOrder(run_id=run_id, ending=ending)))

    def close(self) -> None:
        if self.bridge.process is not None:
            self.bridge.kill(after_s=CLOSE_WITHIN_S)


def make(site: Site) -> RayLauncher:
    record, plan = site.record, site.record.plan
    kind = None if site.accept_changes else record.latest_kind or _kind_at_first(record.fingerprint)
    brief = Brief(
        address=site.address,
        workers=plan.workers,
        threads=plan.threads,
        corpus=plan.corpus,
        corpus_sha256=record.corpus["sha256"],
        kind=kind,
        is_mixed=plan.mixed_machines,
        known_nodes=record.nodes_by_host,
        logs=[str(site.log(worker)) for worker in range(plan.workers)],
    )
    return RayLauncher(brief, site)


def _kind_at_first(fingerprint: Mapping[str, Any]) -> tuple[str, bool] | None:
    """The kind of processor that a study was begun on, where it was one."""
    return (str(fingerprint["cpu"]), bool(fingerprint.get("numba"))) if "cpu" in fingerprint else None


KIND = LauncherKind(
    summary="nodes of a Ray cluster",
    packages=("ray",),
    make=make,
    num_cores=lambda: ANY_NUMBER,
    is_here=False,
    has_address=True,
)

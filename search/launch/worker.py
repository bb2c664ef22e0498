"""The process that trains: takes orders on standard input, answers on a pipe of its own, a JSON line each.

Started by ``bardtune.search.launch.local``, which sets the thread count in the environment before torch is imported.
It lives through many runs and dies with its coordinator: when standard input closes, it exits at once.
"""

import contextlib
import gc
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import psutil

from bardtune.data.corpus import Corpus, load_corpus
from bardtune.data.errors import UserError
from bardtune.data.host import cpu_kind
from bardtune.model import TRAINER_VERSION
from bardtune.model.training.stats import RunStats
from bardtune.search.launch.exit_reasons import reason_of
from bardtune.search.launch.processes import be_killed_first, die_with_parent
from bardtune.search.launch.protocol import (
    Ended,
    Heartbeat,
    Measured,
    RunEvent,
    RunOrder,
    ScoreOrder,
    StopEnding,
    StopOrder,
)
from bardtune.search.launch.wire import decode_order, encode

HEARTBEAT_EVERY_S = 0.5
STARVED_CPU_SHARE = 0.75  # of its threads; below it the machine was busy with something else


class Worker:
    """Trains one run at a time in the main thread; a second thread listens for orders."""

    def __init__(self, send: Callable[[RunEvent], None], *, threads: int) -> None:
        self.send, self.threads = send, threads
        self.orders: queue.Queue[RunOrder | ScoreOrder] = queue.Queue()
        self.present_run: str | None = None
        self.asked_to_end: StopEnding | None = None  # the present run
        self.corpora: dict[str, Corpus] = {}
        self.last_heartbeat = 0.0

    def listen(self, lines: TextIO) -> None:
        """Take in orders until the coordinator is gone."""
        for line in lines:
            order = decode_order(line)
            if not isinstance(order, StopOrder):
                self.asked_to_end, self.present_run = None, order.run_id
                self.orders.put(order)
            elif order.run_id == self.present_run:
                self.asked_to_end = order.ending
        os._exit(0)

    def work(self) -> None:
        """Do what is ordered, for ever."""
        while True:
            self.follow(self.orders.get())

    def follow(self, order: RunOrder | ScoreOrder) -> None:
        """Train or score, say how it ended, and leave nothing of it in memory."""
        try:
            ended = self.score(order) if isinstance(order, ScoreOrder) else self.train(order)
        except Exception as problem:
            ended = Ended(run_id=order.run_id, ending="crashed", reason=reason_of(problem))
            if not isinstance(problem, UserError):
                with contextlib.suppress(MemoryError):
                    traceback.print_exc()
        gc.collect()  # a run and its optimizer know each other, and a model of gigabytes must not outlive its run
        self.present_run = None
        self.send(ended)

    def train(self, order: RunOrder) -> Ended:
        """Follow one run to its end, sending what it measures."""
        from bardtune.model.settings import settings_from
        from bardtune.model.training.checkpoint import CheckpointFile
        from bardtune.model.training.trainer import StepAction, TrainingRun

        def on_step(step: int, spent_s: float) -> StepAction:
            self.send_heartbeat(order.run_id, step, spent_s)
            if self.asked_to_end is None:
                return StepAction.GO_ON
            return StepAction.STOP if self.asked_to_end == "pruned" else StepAction.SAVE_AND_STOP

        def on_evaluated(share: float) -> None:
            self.send_heartbeat(order.run_id, run.steps, run.clock.spent_s, doing=f"evaluating, {share:.0%}")

        corpus = self.corpus_of(order)
        self.tell(order.run_id, "counting the text")
        self.last_heartbeat = 0.0  # the first step is told of at once
        checkpoint = CheckpointFile(order.checkpoint, json.dumps([TRAINER_VERSION, order.settings, corpus.sha256]))
        run = TrainingRun(
            settings_from(order.settings), corpus, checkpoint=checkpoint, on_step=on_step, on_evaluated=on_evaluated
        )
        last = None
        with closing(run.events()) as events:  # type: ignore[type-var]
            for last in events:
                self.send(
                    Measured(
                        run_id=order.run_id,
                        percent=last.percent,
                        step=last.step,
                        elapsed_s=last.elapsed_s,
                        val_bpb=last.val_bpb,
                        final=last.final,
                    )
                )
        if last is not None and last.final:
            self.corpus_of(order)  # a long text is read where it lies, and may have been changed meanwhile
        stats = self.describe(run)
        if last is not None and last.diverged:
            reason = f"the loss stopped being a number at step {last.step}"
            return Ended(run_id=order.run_id, ending="diverged", reason=reason, stats=stats)
        if last is not None and last.final:
            self.keep_weights(run, order.weights)
            return Ended(run_id=order.run_id, ending="finished", val_bpb=last.val_bpb, stats=stats)
        assert self.asked_to_end is not None, "a run that is not over has been asked to end"
        return Ended(run_id=order.run_id, ending=self.asked_to_end, stats=stats)

    def score(self, order: ScoreOrder) -> Ended:
        """Score a finished run's weights, at the end of a study."""
        from bardtune.model.measure.final import score_weights

        def on_share(share: float) -> None:
            self.send_heartbeat(order.run_id, 0, 0.0, doing=f"scoring, {share:.0%}")

        scores = score_weights(order.weights, self.corpus_of(order), on_share=on_share)
        return Ended(run_id=order.run_id, ending="finished", val_bpb=scores.val_bpb, test_bpb=scores.test_bpb)

    def keep_weights(self, run: Any, path: Path) -> None:
        """Leave what a finished run has learned; a full disk costs the weights, not the run."""
        from bardtune.model.network.weights import save_weights

        try:
            save_weights(path, run.model, settings=run.settings, fractions=run.fractions, threads=self.threads)
        except OSError as problem:
            print(f"no weights at {path}: {problem}", file=sys.stderr)

    def corpus_of(self, order: RunOrder | ScoreOrder) -> Corpus:
        """The study's corpus, read once; refused if it is no longer what the study began with."""
        name, sha256 = order.corpus, order.corpus_sha256
        if name not in self.corpora or self.corpora[name].has_changed:
            self.tell(order.run_id, "reading the text")
            self.corpora[name] = load_corpus(name)
        corpus = self.corpora[name]
        if corpus.sha256 != sha256:
            raise UserError(f"the corpus {name} has changed since the study began; put it back")
        return corpus

    def tell(self, run_id: str, doing: str) -> None:
        """What is done before the budget runs."""
        self.send(Heartbeat(run_id=run_id, step=0, elapsed_s=0.0, doing=doing))

    def send_heartbeat(self, run_id: str, step: int, spent_s: float, *, doing: str | None = None) -> None:
        """Send one if the last is some time ago."""
        now = time.monotonic()
        if now - self.last_heartbeat >= HEARTBEAT_EVERY_S:
            self.last_heartbeat = now
            self.send(Heartbeat(run_id=run_id, step=step, elapsed_s=spent_s, doing=doing))

    def describe(self, run: Any) -> dict[str, Any]:
        """What is stored of the run beside its bpb."""
        from bardtune.model.precision import uses_bfloat16

        stats: RunStats = run.stats()
        starved = (stats.cpu_ratio or 0.0) < STARVED_CPU_SHARE * self.threads
        here = replace(
            stats,
            threads=self.threads,
            host=socket.gethostname(),
            cpu=cpu_kind(),
            precision="bf16" if uses_bfloat16(run.settings.precision) else "fp32",
            numba=find_spec("numba") is not None,
            starved=starved,
        )
        return here.as_dict()


def sender_to(stream: BinaryIO) -> Callable[[RunEvent], None]:
    """A function that writes events to the coordinator, and ends this process if there is none any more."""

    def send(event: RunEvent) -> None:
        try:
            stream.write(encode(event))
            stream.flush()
        except (BrokenPipeError, ValueError):
            os._exit(0)

    return send


def main() -> None:
    threads, cores = int(sys.argv[1]), sys.argv[2]
    die_with_parent(int(sys.argv[3]))
    be_killed_first()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # sent to a whole job: the coordinator decides what becomes of the run
    if cores:
        psutil.Process().cpu_affinity([int(core) for core in cores.split(",")])
    channel = int(sys.argv[4])
    os.set_inheritable(channel, False)
    worker = Worker(sender_to(os.fdopen(channel, "wb")), threads=threads)
    threading.Thread(target=worker.listen, args=(sys.stdin,), daemon=True).start()

    import torch

    from bardtune.model.machine import keep_freed_memory

    torch.set_num_threads(threads)
    keep_freed_memory()
    worker.work()


if __name__ == "__main__":
    main()

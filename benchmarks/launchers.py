"""How long does a run wait for its first step, here and on a Ray cluster? By turns, in one run.

    python -m benchmarks.launchers --pairs 10

Runs of a second follow each other on one worker of each launcher; measured is the time from the end of a run to the
first step that the next one tells of. A cluster of one node is begun here: its network is this machine's own.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bardtune.data.corpus import load_corpus
from bardtune.data.host import available_cores
from bardtune.model.presets import preset
from bardtune.search.launch.protocol import Ended, Heartbeat, Launcher, Measured, RunOrder
from bardtune.search.launch.registry import LAUNCHERS, Site
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.home import Home

BUDGET_S, MEANT_S = 1.0, 180.0  # of the runs here, and of those that are meant


def launcher_of(name: str, folder: Path, text: str, sha256: str) -> Launcher:
    plan = StudyPlan(launcher=name, workers=1, threads=max(1, available_cores() // 2), corpus=text)
    record = StudyRecord(
        name=name,
        plan=plan,
        state="running",
        stop_reason=None,
        seconds_used=0.0,
        corpus={"name": text, "sha256": sha256},
        parameters=(),
        search_runs=(),
        other_runs=(),
        storage="",
    )
    address = "local" if name == "ray" else None
    return LAUNCHERS.kind(name).make(Site(record=record, home=Home(folder), address=address))


def until(launcher: Launcher, kinds: tuple[type, ...], *, stepped: bool = False) -> float:
    """Seconds on the clock when the launcher says something of these kinds."""
    while True:
        for event in launcher.events(0.05):
            if isinstance(event, Ended) and event.ending != "finished":
                raise SystemExit(f"a run has {event.ending}: {event.reason}")
            if isinstance(event, kinds) and (not stepped or getattr(event, "step", 0)):
                return time.monotonic()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.launchers", description=__doc__)
    parser.add_argument("--pairs", type=int, default=10, help="[default: 10]")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = folder / "text.txt"
        text.write_bytes(b"Shall I compare thee to a summer's day? " * 1_000)
        sha256 = load_corpus(str(text)).sha256
        settings = preset("reference", budget_s=BUDGET_S, seed=0, d_model=32, n_layers=1, n_heads=2).as_dict()
        waits: dict[str, list[float]] = {"local": [], "ray": []}
        with (
            closing(launcher_of("local", folder, str(text), sha256)) as local,
            closing(launcher_of("ray", folder, str(text), sha256)) as ray,
        ):
            launchers = {"local": local, "ray": ray}
            while not ray.capacity:
                ray.events(0.1)
            for pair in range(args.pairs + 1):  # the first of each imports torch
                for kind, launcher in launchers.items():
                    order = RunOrder(
                        run_id=f"search-{pair:04d}",
                        settings=settings,
                        corpus=str(text),
                        corpus_sha256=sha256,
                        checkpoint=folder / f"{kind}.pt",
                        weights=folder / f"{kind}.safetensors",
                        limit_s=300.0,
                    )
                    launcher.start(order)
                    until(launcher, (Ended,))
                    began = time.monotonic()
                    launcher.start(replace(order, run_id=f"search-{pair + 5_000:04d}"))
                    waited = until(launcher, (Heartbeat, Measured), stepped=True) - began
                    until(launcher, (Ended,))
                    if pair:
                        waits[kind].append(waited)
    for kind, found in waits.items():
        low, middle, high = min(found), statistics.median(found), max(found)
        print(f"{kind}: {middle:.3f} s from the end of a run to the next one's first step ({low:.3f} to {high:.3f})")
    more = [there - here for here, there in zip(waits["local"], waits["ray"], strict=True)]
    middle = statistics.median(more)
    print(
        f"more on the cluster: {middle:.3f} s (median of {len(more)} pairs; {min(more):.3f} to {max(more):.3f}), "
        f"{middle / MEANT_S:.2%} of a run of {MEANT_S:.0f} s"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What does surviving cost? Checkpoints, database, lock and processes of a stored study, as parts of its training time.

Nothing is run: make a study first, on a quiet machine and with the budget that is meant, such as
``bardtune start cost --trials 6 --seconds 180 --confirm 0 --pruner none``.
"""

import argparse
import statistics
from itertools import pairwise
from typing import NamedTuple

from bardtune.studies.records import StudyRecord, TrialRecord
from bardtune.studies.store.home import data_home
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage

PHASES = ("train", "evaluate", "setup", "checkpoint")


class Overhead(NamedTuple):
    """Worker seconds of a study; together they are its active time times its workers."""

    train: float
    evaluate: float
    setup: float  # models built, one warm-up pass
    checkpoint: float
    coordination: float  # the rest: database, lock, sampler, starts of processes, scoring at the end

    @property
    def surviving(self) -> float:
        """An upper bound of what this costs: a study without it must start a process and ask a sampler, too."""
        return self.checkpoint + self.coordination


def overhead_of(record: StudyRecord) -> Overhead:
    """Where the time of a study went; the coordination is what no run accounts for."""
    phases = {phase: sum(run.seconds(phase) for run in record.runs) for phase in PHASES}
    rest_s = record.seconds_used * record.plan.workers - sum(phases.values())
    return Overhead(**phases, coordination=max(0.0, rest_s))


class RunOverhead(NamedTuple):
    """Seconds that a run with its whole budget takes beside training, evaluation and the making of its model."""

    checkpoint: float  # mean
    within: float  # median of what no phase of a run accounts for, between its beginning and its end
    until_next: float | None  # median of the time from a run's end to the next one's beginning; None with many workers


def run_overhead_of(record: StudyRecord) -> RunOverhead | None:
    """What one whole run costs; None if no run was whole. Medians leave starts and interruptions of the study out."""
    spans = [(run.started, run.ended, run) for run in record.runs if run.started and run.ended]
    spans.sort(key=lambda span: span[0])
    whole = [span for span in spans if span[2].ending == "finished"]
    if not whole:
        return None
    rests = [(ended - started).total_seconds() - _phases_s(run) for started, ended, run in whole]
    gaps = [(started - ended).total_seconds() for (_, ended, _), (started, _, _) in pairwise(spans)]
    return RunOverhead(
        checkpoint=statistics.fmean(run.seconds("checkpoint") for _, _, run in whole),
        within=max(0.0, statistics.median(rests)),
        until_next=statistics.median(gaps) if gaps and record.plan.workers == 1 else None,
    )


def _phases_s(run: TrialRecord) -> float:
    return sum(run.seconds(phase) for phase in PHASES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--storage", help="default: the database in the data folder")
    args = parser.parse_args()
    record = read_study(Storage(args.storage or data_home().storage_url, create=False), args.study)
    spent = overhead_of(record)
    if not spent.train:
        parser.exit(1, f"{args.study} has not trained yet\n")
    whole = run_overhead_of(record)
    if whole is not None:
        until_next = whole.until_next or 0.0  # unknown with several workers, and left out then
        share = (whole.checkpoint + whole.within + until_next) / record.plan.seconds
        told_next = "?" if whole.until_next is None else f"{until_next:.3f}"
        print(
            f"a whole run: checkpoints {whole.checkpoint:.3f} s (mean), the rest of the run {whole.within:.3f} s, "
            f"until the next {told_next} s (medians): {share:.3%} of {record.plan.seconds:g} s"
        )
    num_runs = len(record.runs)
    for name, seconds in spent._asdict().items():
        print(f"{name:13} {seconds:9.2f} s {seconds / num_runs:8.3f} s a run {seconds / spent.train:8.3%} of training")
    print(
        f"checkpoint and coordination: {spent.surviving / spent.train:.3%} of training; "
        f"n={num_runs} runs of {record.plan.seconds:g} s, {record.plan.workers} workers"
    )


if __name__ == "__main__":
    main()

"""What does surviving cost? Checkpoints, database, lock and processes of a stored study, as parts of its training time.

Nothing is run: make a study first, on a quiet machine and with the budget that is meant, such as
``bardtune start cost --trials 6 --seconds 180 --confirm 0 --pruner none``.
"""

import argparse
from typing import NamedTuple

from studies.home import data_home
from studies.reading import read_study
from studies.records import StudyRecord
from studies.storage import Storage


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
    phases = {
        phase: sum(run.seconds(phase) for run in record.all_runs)
        for phase in ("train", "evaluate", "setup", "checkpoint")
    }
    rest_s = record.seconds_used * record.plan.workers - sum(phases.values())
    return Overhead(**phases, coordination=max(0.0, rest_s))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--storage", help="default: the database in the data folder")
    args = parser.parse_args()
    record = read_study(Storage(args.storage or data_home().storage_url, create=False), args.study)
    spent = overhead_of(record)
    if not spent.train:
        parser.exit(1, f"{args.study} has not trained yet\n")
    num_runs = len(record.all_runs)
    for name, seconds in spent._asdict().items():
        print(f"{name:13} {seconds:9.2f} s {seconds / num_runs:8.3f} s a run {seconds / spent.train:8.3%} of training")
    print(
        f"checkpoint and coordination: {spent.surviving / spent.train:.3%} of training; "
        f"n={num_runs} runs of {record.plan.seconds:g} s, {record.plan.workers} workers"
    )


if __name__ == "__main__":
    main()

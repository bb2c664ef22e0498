"""Studies on clusters: reading them while they run, and what must hold when they are over."""

import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable

from bardtune.studies.errors import StorageError, StudyError
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study
from support.at_hand import Place


def read(place: Place, name: str = "s") -> StudyRecord:
    return read_study(ReadOnlyStorage(f"sqlite:///{place.database}"), name)


def wait_for(place: Place, condition: Callable[[StudyRecord], bool], seconds: float = 150.0) -> None:
    """Read the study until the condition holds."""
    end = time.monotonic() + seconds
    record = None
    while time.monotonic() < end:
        with contextlib.suppress(StudyError, StorageError):  # not there yet
            record = read(place)
            if condition(record):
                return
        time.sleep(0.1)
    raise AssertionError(record)


def running_on(nodes: int) -> Callable[[StudyRecord], bool]:
    """Whether runs are in progress on so many nodes, and have reported."""

    def condition(record: StudyRecord) -> bool:
        at_work = [run for run in record.runs if run.state == "running" and run.curve]
        return len({run.stats.node for run in at_work} - {None}) >= nodes

    return condition


def complete(number: int) -> Callable[[StudyRecord], bool]:
    return lambda record: record.counts()["complete"] >= number


def ends_told(said: str) -> Counter[str]:
    """How often each run is said to have ended, by label; being interrupted is no end."""
    ends = re.findall(
        r"^((?:trial|confirmation) \d+|baseline(?: \d+)?) +(?:finished|pruned|diverged|crashed)", said, re.MULTILINE
    )
    return Counter(ends)


def check_ends(said: str, record: StudyRecord) -> None:
    """No run has ended twice, whoever followed it; what was killed may not have come to say it."""
    ends, there = ends_told(said), Counter(run.label for run in record.runs)
    assert ends
    assert all(number <= there[label] for label, number in ends.items()), ends


def check_whole(record: StudyRecord, trials: int) -> None:
    """Every planned run has ended once, none twice, and the cap is exact."""
    assert record.state == "finished"
    assert record.counts()["total"] == trials
    assert set(Counter(run.run_id for run in record.runs).values()) == {1}
    assert {run.ending for run in record.runs} <= {"finished", "pruned", "diverged"}, record.runs

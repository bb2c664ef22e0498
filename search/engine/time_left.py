"""What time a study has left, and what a run takes of it: learned from its own runs."""

from bardtune.model.training.stats import RunStats, stats_from
from bardtune.search.engine.limits import USUAL_BYTES_PER_S, overhead_s, remaining_s
from bardtune.search.launch.protocol import Ended
from bardtune.studies.analysis.phrases import duration_text
from bardtune.studies.plan import expected_overhead_s
from bardtune.studies.store.writer import StudyWriter


class TimeLeft:
    """Tells whether a run would still come to its end within the hours of its study.

    Args:
        writer: the study.
    """

    def __init__(self, writer: StudyWriter) -> None:
        self.writer, self.plan = writer, writer.plan
        own_runs = [run for run in writer.record().runs if run.ending == "finished" and run.script is None]
        self.overheads_s = [overhead_in(run.stats) for run in own_runs]

    @property
    def seconds(self) -> float:
        """Active time that the study has left; below 0 if it has taken longer."""
        return remaining_s(self.writer)

    @property
    def run_s(self) -> float:
        """What a run takes at the longest, so that none starts that the deadline would cut."""
        if not self.overheads_s:
            return self.plan.seconds + overhead_s(self.plan, self.writer.corpus)
        return self.plan.seconds + max(expected_overhead_s(self.plan.seconds), *self.overheads_s)

    def learn(self, ended: Ended, *, took_s: float) -> None:
        """Take note of a run that has ended, and of the active seconds that it took in this session."""
        train_s = stats_from(ended.stats).seconds.get("train")
        if ended.ending == "finished" and train_s is not None:
            self.overheads_s.append(took_s - train_s)

    def is_pressed(self, num_left: int, workers: int) -> bool:
        """Whether the time left is too little for the runs that are left, ``workers`` of them at a time."""
        return self.seconds < num_left / workers * self.run_s

    def warning(self, num_left: int) -> str | None:
        """How many of the runs that are left there is time for, where that is not all of them."""
        usual_s = self.plan.seconds + overhead_s(self.plan, self.writer.corpus, bytes_per_s=USUAL_BYTES_PER_S)
        run_s = self.run_s if self.overheads_s else usual_s
        num_fitting = int(max(0.0, self.seconds) / run_s) * self.plan.workers
        if num_fitting >= num_left:
            return None
        return (
            f"with what evaluation takes on this text, a run takes about {duration_text(run_s)}: about {num_fitting} "
            f"of the {num_left} that are left fit into {self.plan.hours:g} h"
        )


def overhead_in(stats: RunStats) -> float:
    """Seconds that a run has noted beside those of training."""
    return sum(seconds for phase, seconds in stats.seconds.items() if phase != "train")

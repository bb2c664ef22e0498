"""When the runs ran, and what they did with their time."""

from collections.abc import Sequence
from dataclasses import dataclass

from bardtune.model.training.clock import PHASES
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.marks import Look, look_of
from bardtune.studies.plots.view import View
from bardtune.studies.plots.words import hover_lines, shorten
from bardtune.studies.records import TrialRecord

HEADING = "runs by phase"
Phases = tuple[tuple[str, float], ...]  # (name, seconds), in the order of PHASES
NODES_NOTE = "A bar is a run, whole; one that went on on another node stands there."
OTHER = "other"  # of a run that has not said what it did
PAUSE_S = 120.0  # with no run at all: longer ones are cut out
_SLACK_S = 1.0  # two clocks: that of the phases and that of the stored moments


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One run."""

    label: str
    start_s: float  # since the first run began, without the pauses
    phases: Phases
    look: Look
    node: int | None  # of a cluster
    is_starved: bool
    is_continued: bool  # stopped and taken up again: drawn without the time in which it stood still
    hover: tuple[str, ...]

    @property
    def name(self) -> str:
        """Label of its row, with its marks."""
        return shorten(self.label, 26) + " *" * self.is_starved + " †" * self.is_continued

    @property
    def end_s(self) -> float:
        return self.start_s + sum(seconds for _, seconds in self.phases)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline(View):
    """Runs of every role in the order in which they began: one a row, or on a cluster one after the other on nodes."""

    bars: tuple[Bar, ...]  # at least one
    rows: tuple[str, ...]  # what they are called
    places: tuple[int, ...]  # of each bar: its row
    unit: str  # of the time axis
    unit_s: float

    @property
    def nodes(self) -> tuple[int, ...]:
        """Of a cluster, where that is what the rows are."""
        return tuple(sorted({bar.node for bar in self.bars if bar.node is not None}))

    @property
    def phases(self) -> tuple[str, ...]:
        """Those that any run spent time in."""
        return tuple(
            phase for phase in (*PHASES, OTHER) if any(phase == name for bar in self.bars for name, _ in bar.phases)
        )


def view(data: PlotData) -> View:
    """View of all runs that have begun and said how long they took."""
    runs = [(run, phases) for run in data.record.runs if run.started is not None and (phases := _phases(run))]
    if not runs:
        return data.nothing(HEADING, "No run has said yet what it did with its time.")
    runs.sort(key=lambda each: (_drawn_from(*each), each[0].run_id))
    starts, num_pauses = _without_pauses([(_drawn_from(*each), _total_s(each[1])) for each in runs])
    bars = tuple(_bar(run, phases, start) for (run, phases), start in zip(runs, starts, strict=True))
    is_long = max(bar.end_s for bar in bars) > 180
    by_node = any(bar.node is not None for bar in bars)
    rows, places = _lanes(bars) if by_node else (tuple(bar.name for bar in bars), tuple(range(len(bars))))
    notes = [NODES_NOTE, *_pauses_note(num_pauses)] if by_node else _notes(bars, num_pauses)
    return Timeline(
        frame=data.frame("runs by node" if by_node else HEADING, notes),
        bars=bars,
        rows=rows,
        places=places,
        unit="minutes" if is_long else "seconds",
        unit_s=60.0 if is_long else 1.0,
    )


def _lanes(bars: Sequence[Bar]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Rows for each node, as many as it trained runs at a time, and each bar's."""
    ends: dict[tuple[int, int], float] = {}  # of (node, lane)
    taken = []
    for bar in bars:
        node, lane = bar.node or 0, 0
        while ends.get((node, lane), -1.0) > bar.start_s + _SLACK_S:
            lane += 1
        ends[node, lane] = bar.end_s
        taken.append((node, lane))
    lanes = sorted(ends)
    several = {node for node, lane in lanes if lane > 0}
    names = [("elsewhere" if not node else f"node {node}") + f".{lane + 1}" * (node in several) for node, lane in lanes]
    return tuple(names), tuple(lanes.index(each) for each in taken)


def _notes(bars: Sequence[Bar], num_pauses: int) -> list[str]:
    notes = ["Phases of a run are summed and drawn one after the other; only training is charged to its budget."]
    notes += _pauses_note(num_pauses)
    if starved := sum(bar.is_starved for bar in bars):
        notes.append(f"* {starved} starved: the machine was busy.")
    if any(bar.is_continued for bar in bars):
        notes.append("Marked †: stopped and continued. Drawn in one piece up to the end: when it stopped is unknown.")
    return notes


def _pauses_note(num_pauses: int) -> list[str]:
    pauses = f"{num_pauses} pause{'s' * (num_pauses != 1)} of more than {PAUSE_S / 60:g} minutes cut out."
    return [pauses] if num_pauses else []


def _earlier_s(run: TrialRecord, phases: Phases) -> float:
    """Seconds of a run that was stopped and continued from before it was last taken up; 0 of other runs.

    The stored start is that of the last part, the phases are those of all parts.
    """
    if run.started is None or (run.ended is None and run.state != "running"):
        return 0.0
    last_s = (run.ended - run.started).total_seconds() if run.ended is not None else 0.0  # a part still to be told
    earlier_s = _total_s(phases) - last_s
    return earlier_s if earlier_s > _SLACK_S else 0.0


def _drawn_from(run: TrialRecord, phases: Phases) -> float:
    """Where the bar begins: what was trained before a stop is put right before the last part.

    It cannot cover what ran before: the run began at least as early as this.
    """
    assert run.started is not None
    return run.started.timestamp() - _earlier_s(run, phases)


def _total_s(phases: Phases) -> float:
    return sum(seconds for _, seconds in phases)


def _phases(run: TrialRecord) -> Phases:
    """Phases with time in them; the whole run as one if it has said none."""
    found = tuple((phase, seconds) for phase in PHASES if (seconds := run.seconds(phase)) > 0)
    if found or run.started is None or run.ended is None:
        return found
    seconds = (run.ended - run.started).total_seconds()
    return ((OTHER, seconds),) if seconds > 0 else ()


def _without_pauses(spans: Sequence[tuple[float, float]]) -> tuple[list[float], int]:
    """Starts since the first one, pauses taken away, and how many there were.

    Args:
        spans: (start, seconds), by start.
    """
    cut, end, count = spans[0][0], spans[0][0], 0
    starts = []
    for start, seconds in spans:
        if start - end > PAUSE_S:
            cut, count = cut + (start - end), count + 1
        starts.append(start - cut)
        end = max(end, start + seconds)
    return starts, count


def _bar(run: TrialRecord, phases: Phases, start_s: float) -> Bar:
    earlier_s = _earlier_s(run, phases)
    stopped = [f"stopped and continued: {earlier_s:.1f} s of it before that"] if earlier_s else []
    spent = [f"{phase} {seconds:.1f} s" for phase, seconds in phases]
    label = run.label if run.candidate is None else f"{run.label} (of {run.candidate})"
    return Bar(
        label=label,
        start_s=start_s,
        phases=phases,
        look=look_of(run),
        node=run.stats.node,
        is_starved=bool(run.stats.starved),
        is_continued=bool(stopped),
        hover=(*hover_lines(run), *spent, *stopped),
    )

"""A stored study as an object, for notebooks and programs. It reads only, and prints nothing."""

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bardtune.data.errors import UserError
from bardtune.studies.analysis.importance import DEFAULT_EVALUATOR, check_evaluator
from bardtune.studies.analysis.phrases import counts_text, duration_text, state_text
from bardtune.studies.analysis.table import COLUMNS, rows
from bardtune.studies.analysis.verdict import Confirmed, Verdict, verdict_of
from bardtune.studies.analysis.verdict_phrases import phrases_of, seeds_text
from bardtune.studies.errors import PlanError
from bardtune.studies.records import StopReason, StudyRecord, StudyState, TrialRecord

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, kw_only=True, slots=True)
class BestSettings:
    """The settings that lead a study, and how sure that is."""

    trial: int  # number of the search trial that drew them
    params: dict[str, Any]  # those that were searched
    settings: dict[str, Any] = field(repr=False)  # all that it was trained with
    bpb: float  # validation bits per byte: the mean of the runs with fresh seeds, or the trial's own if there are none
    sd: float | None  # sample standard deviation of those runs; None of a single one
    n: int  # how many
    test_bpb: float | None  # of the kept weights, on text that no search has seen; None until it has been scored
    is_settled: bool  # confirmed with fresh seeds, and nothing else comes close
    certainty: str  # the same in words


@dataclass(frozen=True, slots=True, repr=False)
class Study:
    """A stored study as it was when it was read; load it again to see what has happened since."""

    record: StudyRecord  # all of it, as the commands see it

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def state(self) -> StudyState:
        """Running, interrupted (``resume_study`` goes on) or finished."""
        return self.record.state

    @property
    def stop_reason(self) -> StopReason | None:
        """Trials, hours, settled or target of a finished study, user or error of another; None if nobody stopped it."""
        return self.record.stop_reason

    @property
    def runs(self) -> list[dict[str, Any]]:
        """One row a run, of every role, with the columns that ``bardtune trials --columns`` explains."""
        return list(rows(self.record))

    def frame(self) -> "pd.DataFrame":
        """The runs as a pandas DataFrame.

        Raises:
            UserError: pandas is not there.
        """
        try:
            import pandas as pd
        except ImportError as problem:
            raise UserError(
                "a frame needs pandas, which is not installed; use the rows of runs, or get it with: pip install pandas"
            ) from problem
        table = self.runs
        return pd.DataFrame(table, columns=list(table[0]) if table else [column.name for column in COLUMNS])

    @property
    def winner(self) -> BestSettings | None:
        """The confirmed winner; before anything is confirmed the best trial so far, None if no trial has finished."""
        verdict = verdict_of(self.record)
        if verdict.winner is None:
            return None
        made = _runs_of_winner(verdict.winner, verdict)
        return BestSettings(
            trial=verdict.winner.number,
            params=dict(verdict.winner.params),
            settings=dict(verdict.winner.settings),
            bpb=made.mean,
            sd=made.sd,
            n=made.n,
            test_bpb=verdict.test_bpb,
            is_settled=verdict.is_settled,
            certainty=phrases_of(verdict.as_json()).certainty or "",
        )

    def plot(self, kind: str, *, evaluator: str = DEFAULT_EVALUATOR) -> "go.Figure":
        """The picture that ``bardtune plot --kind KIND`` draws, as a plotly Figure.

        Args:
            kind: parallel, importance, history and so on: see ``bardtune plot --help``.
            evaluator: of the importance.

        Raises:
            UserError: a kind or an evaluator that is not known; the sentence names those that are.
        """
        from bardtune.studies.plots.data import PlotData
        from bardtune.studies.plots.plotly.standalone import standalone_figure  # loads plotly
        from bardtune.studies.plots.registry import KINDS, view_of

        if kind not in KINDS:
            raise PlanError(f"there is no plot {kind!r}; choose one of {', '.join(KINDS)}.")
        check_evaluator(evaluator)
        return standalone_figure(view_of(PlotData(self.record, evaluator=evaluator), kind))

    def __repr__(self) -> str:
        return f"<bardtune.Study {'; '.join(self._lines())}>"

    def _repr_html_(self) -> str:
        first, second = map(html.escape, self._lines())
        return f"<b>{first}</b><br>{second}"

    def _lines(self) -> tuple[str, str]:
        """What and how far it is; who leads."""
        record, verdict = self.record, verdict_of(self.record)
        used = f"{duration_text(record.seconds_used)} used"
        first = f"{record.name}: {state_text(record)}, {counts_text(record)}, {used}"
        if verdict.winner is None:
            return first, "no trial has finished yet"
        made = _runs_of_winner(verdict.winner, verdict)
        name = "winner" if verdict.confirmed else "best so far"
        return first, f"{name} {verdict.winner.label}, {seeds_text(made.as_json())}"


def _runs_of_winner(winner: TrialRecord, verdict: Verdict) -> Confirmed:
    """Its fresh runs, or itself where there are none."""
    return verdict.confirmed or Confirmed(winner.label, (winner,))

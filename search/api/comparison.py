"""Several stored studies against each other, for notebooks and programs."""

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bardtune.studies.analysis.versus import Pair, Versus
from bardtune.studies.analysis.versus_phrases import sentences

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Studies side by side, as they were when they were read."""

    found: Versus = field(repr=False)  # all of it, as ``bardtune compare`` sees it

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The studies two by two: by how much a winner is better, the interval around that, and the probability."""
        return self.found.pairs

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why their bpb do not compare, and what else to beware of."""
        return self.found.warnings

    def plot(self) -> "go.Figure":
        """Their best so far in one picture, as a plotly Figure."""
        from bardtune.studies.plots.plotly.standalone import standalone_figure  # loads plotly
        from bardtune.studies.plots.registry import best_so_far_of

        return standalone_figure(best_so_far_of(self.found))

    def __repr__(self) -> str:
        return f"<bardtune.Comparison {'; '.join(sentences(self.found))}>"

    def _repr_html_(self) -> str:
        return "<br>".join(map(html.escape, sentences(self.found)))

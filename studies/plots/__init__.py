"""Pictures of a study: what is drawn (view, parallel), with what (interactive, static), and where to (write)."""

from studies.plots.view import KINDS
from studies.plots.write import FORMATS, write_plots

__all__ = ["FORMATS", "KINDS", "write_plots"]

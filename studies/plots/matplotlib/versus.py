"""Several studies with matplotlib."""

from matplotlib.figure import Figure

from bardtune.studies.plots.matplotlib.base import LEGEND, framed_sheet
from bardtune.studies.plots.ticks import round_steps
from bardtune.studies.plots.views.versus import LONGEST_NAME, BestSoFar
from bardtune.studies.plots.words import BPB, shorten


def draw(view: BestSoFar) -> Figure:
    """A line of steps for each study, and a diamond at the mean of its winner's fresh runs."""
    sheet = framed_sheet(view.frame)
    axes = sheet.add_subplot()
    axes.set(xlabel="search trials", ylabel=BPB, ylim=(view.low, view.high), xlim=(0, view.last + 1))
    axes.set_xticks(round_steps(1, view.last, most=12, whole=True))
    axes.grid(axis="y")
    for line in view.lines:
        end, lowest = line.steps[-1]
        places, bpbs = zip(*[*line.steps, (end + 0.5, lowest)], strict=True)
        name = shorten(line.name, LONGEST_NAME)
        axes.step(places, bpbs, where="post", color=line.colour, lw=1.8, label=name, zorder=2)
        if line.mean is not None:
            look = {"fmt": "D", "ms": 7, "mfc": "none", "mec": line.colour, "mew": 1.6, "capsize": 3.5}
            axes.errorbar(
                [end + 0.5],
                [line.mean],
                yerr=[line.sd or 0.0],
                ecolor=line.colour,
                zorder=4,
                clip_on=False,
                **look,  # type: ignore[arg-type]
            )
    axes.legend(ncols=4, columnspacing=1.4, **LEGEND)
    return sheet

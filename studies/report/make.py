"""Puts the page together."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from bardtune.studies.analysis.redactor import Redactor
from bardtune.studies.analysis.verdict import Verdict, verdict_of
from bardtune.studies.plots import theme
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.plotly.page import CONFIG, drawing_of, note_of
from bardtune.studies.plots.plotly.parallel import brushing_script, brushing_styles
from bardtune.studies.plots.registry import KINDS, view_of
from bardtune.studies.plots.view import View
from bardtune.studies.plots.views.parallel import Parallel
from bardtune.studies.records import StudyRecord
from bardtune.studies.report import facts
from bardtune.studies.report.command import train_command


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What the winner writes."""

    text: str | None = None  # None: it has not been asked, or could not
    note: str  # how it was written, or why not


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One figure of the page, or the sentence in its place."""

    kind: str
    heading: str
    note: str
    sentence: str | None = None
    spec: Markup | None = None  # plotly's data and layout as JSON
    height: int = 0  # pixels
    width: int = 0  # at least; a narrower window scrolls


def report_html(
    record: StudyRecord, *, sample: Sample | None = None, names: tuple[str, ...] = (), now: datetime | None = None
) -> str:
    """The whole page: one HTML document that needs no network and no other file.

    Args:
        record: the study, in any state.
        sample: its section is left out if None.
        names: words that the page must not tell, such as the user's name; hosts and folders of the study never are.
        now: when the page is made. [default: now]
    """
    verdict = verdict_of(record)
    clean = Redactor(record, names)
    plotted = PlotData(record)
    views = {kind: view_of(plotted, kind) for kind in KINDS}
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_file("page.html")).render(
        name=record.name,
        styles=Markup(brushing_styles() + _file("page.css")),
        colours=_colours(),
        script=Markup(brushing_script() + _file("page.js")),
        plotly=_plotly(),
        config=_json(CONFIG),
        note=clean(record.note),
        asked=facts.asked(record),
        stopped=facts.stopped(record),
        found=[clean(sentence) for sentence in facts.found(record, verdict)],
        tiles=facts.tiles(record, verdict),
        pictures=[_picture(record, kind, view) for kind, view in views.items()],
        picked_from=_drawn_lines(views["parallel"]),
        headings=facts.headings(record),
        rows=facts.rows(record, verdict, clean),
        command=_winner_command(record, verdict),
        sample=sample and replace(sample, text=sample.text and clean(_printable(sample.text))),
        data=facts.data_facts(record),
        environment=facts.environment_facts(record),
        made=(now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        version=version("bardtune"),
    )


def _printable(text: str) -> str:
    """Any text as it can stand on a page: what has no picture, or could turn the line round, becomes a mark."""
    lines = text.replace("\r\n", "\n")
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in lines)


def _winner_command(record: StudyRecord, verdict: Verdict) -> str | None:
    """With the seed of the run whose weights are kept, so that it says what the page says."""
    return None if verdict.take_home is None else train_command(verdict.take_home, record.plan)


def _drawn_lines(view: View) -> set[str]:
    """The runs that the parallel coordinates show."""
    return {line.run_id for line in view.lines} if isinstance(view, Parallel) else set()


def _picture(record: StudyRecord, kind: str, view: View) -> Picture:
    frame = view.frame
    heading = frame.title.removeprefix(f"{record.name}: ")
    if frame.sentence is not None:
        return Picture(kind=kind, heading=heading, note=frame.note, sentence=frame.sentence)
    drawing = drawing_of(view)
    return Picture(
        kind=kind,
        heading=heading,
        note=note_of(view, drawing),
        spec=_json(drawing.figure.to_plotly_json()),
        height=max(400, drawing.height),
        width=drawing.width,
    )


def _json(value: Any) -> Markup:
    """JSON that can stand in a script element, whatever texts are in it."""
    from plotly.utils import PlotlyJSONEncoder

    text = json.dumps(value, cls=PlotlyJSONEncoder, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _plotly() -> Markup:
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())


def _colours() -> Markup:
    named = {"ink": theme.INK, "muted": theme.MUTED, "grid": theme.GRID, "edge": theme.EDGE, "paper": theme.PAPER}
    named |= {
        "best": theme.BEST,
        "baseline": theme.BASELINE,
        "accent": theme.FINISHED,
        "picked": theme.PICKED,
        "fonts": theme.FONTS,
    }
    return Markup(":root { " + " ".join(f"--{name}: {value};" for name, value in named.items()) + " }")


def _file(name: str) -> str:
    return files("bardtune.studies.report").joinpath(name).read_text(encoding="utf-8")

"""From a study to picture files."""

from collections.abc import Callable, Sequence
from pathlib import Path

from studies.errors import PlanError
from studies.files import write_whole
from studies.plots import parallel, view
from studies.plots.view import KINDS
from studies.records import StudyRecord

FORMATS = ("html", "png", "svg")
View = view.Bars | view.Curves | view.History | parallel.Parallel


def write_plots(record: StudyRecord, *, kinds: Sequence[str], formats: Sequence[str], folder: Path) -> list[Path]:
    """Write ``{study}-{kind}.{format}`` into ``folder`` for each kind and format; return the paths.

    A reader finds the old file or the new one, never a piece.

    Raises:
        PlanError: a kind or format that is not known, before anything is written.
        StudyError: the folder cannot be made or written to.
    """
    _check("kind", kinds, KINDS)
    _check("format", formats, FORMATS)
    paths: list[Path] = []
    for kind in dict.fromkeys(kinds):
        seen = view_of(record, kind)
        for format_ in dict.fromkeys(formats):
            paths.append(folder / f"{record.name}-{kind}.{format_}")
            write_whole(paths[-1], render(seen, format_), way_out="choose another folder with --out")
    return paths


def view_of(record: StudyRecord, kind: str) -> View:
    """What the picture of ``kind`` shows."""
    makers: dict[str, Callable[[StudyRecord], View]] = {
        "importance": view.bars,
        "parallel": parallel.parallel,
        "history": view.history,
        "curves": view.curves,
    }
    return makers[kind](record)


def render(seen: View, format_: str) -> bytes:
    """The file's content. Only the library that the format needs is imported."""
    if format_ == "html":
        from studies.plots.page import page

        return page(seen).encode()
    from studies.plots.static import picture

    return picture(seen, format_)


def _check(flag: str, values: Sequence[str], known: Sequence[str]) -> None:
    if not values:
        raise PlanError(f"--{flag} is empty; choose from {', '.join(known)}.")
    for value in values:
        if value not in known:
            raise PlanError(f"--{flag} {value!r} is unknown; choose from {', '.join(known)}.")

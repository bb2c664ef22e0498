"""From a study to picture files."""

from collections.abc import Sequence
from pathlib import Path

from bardtune.studies.analysis.importance import DEFAULT_EVALUATOR, check_evaluator
from bardtune.studies.analysis.versus import Versus
from bardtune.studies.errors import PlanError
from bardtune.studies.files import write_whole
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.registry import FORMATS, KINDS, best_so_far_of, render, view_of
from bardtune.studies.plots.words import shorten
from bardtune.studies.records import StudyRecord

LONGEST_STEM = 100  # of a file name that several studies share


def write_plots(
    record: StudyRecord,
    *,
    kinds: Sequence[str],
    formats: Sequence[str],
    folder: Path,
    evaluator: str = DEFAULT_EVALUATOR,
) -> list[Path]:
    """Write ``{study}-{kind}.{format}`` into ``folder`` for each kind and format; return the paths.

    The kind ``all`` stands for every kind.

    A reader finds the old file or the new one, never a piece.

    Raises:
        PlanError: a kind, format or evaluator that is not known, before anything is written.
        StudyError: the folder cannot be made or written to.
    """
    kinds = KINDS if "all" in kinds else kinds
    _check("kind", kinds, KINDS)
    _check("format", formats, FORMATS)
    check_evaluator(evaluator)
    data = PlotData(record, evaluator=evaluator)
    paths: list[Path] = []
    for kind in dict.fromkeys(kinds):
        view = view_of(data, kind)
        for format_ in dict.fromkeys(formats):
            paths.append(folder / f"{record.name}-{kind}.{format_}")
            write_whole(paths[-1], render(view, format_), way_out="choose another folder with --out")
    return paths


def write_versus(found: Versus, *, formats: Sequence[str], folder: Path) -> list[Path]:
    """Write ``{study}-{study}-best.{format}`` into ``folder`` for each format; return the paths.

    Raises:
        PlanError: a format that is not known, before anything is written.
        StudyError: the folder cannot be made or written to.
    """
    _check("format", formats, FORMATS)
    view = best_so_far_of(found)
    stem = shorten("-".join(record.name for record in found.records), LONGEST_STEM).replace("…", "")
    paths = [folder / f"{stem}-best.{format_}" for format_ in dict.fromkeys(formats)]
    for path in paths:
        write_whole(path, render(view, path.suffix[1:]), way_out="choose another folder with --out")
    return paths


def _check(flag: str, values: Sequence[str], known: Sequence[str]) -> None:
    if not values:
        raise PlanError(f"--{flag} is empty; choose from {', '.join(known)}.")
    for value in values:
        if value not in known:
            raise PlanError(f"--{flag} {value!r} is unknown; choose from {', '.join(known)}.")

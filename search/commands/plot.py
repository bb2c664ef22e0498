"""What ``bardtune plot`` does and prints."""

from dataclasses import dataclass
from pathlib import Path

from bardtune.data.paths import user_path
from bardtune.search.commands.shared import quiet_libraries, say_next, storage_url
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study


@dataclass(frozen=True, kw_only=True, slots=True)
class PlotFlags:
    """What ``bardtune plot`` was told."""

    kind: str  # comma-separated, as formats
    formats: str
    evaluator: str
    out: Path


def plot_command(name: str, flags: PlotFlags, storage: str | None) -> int:
    from bardtune.studies.plots.write import write_plots  # loads the plotting libraries

    quiet_libraries()
    record = read_study(ReadOnlyStorage(storage_url(storage)), name)
    user_path(flags.out, "the folder of --out")
    paths = write_plots(
        record,
        kinds=_items(flags.kind),
        formats=_items(flags.formats),
        folder=flags.out.expanduser(),  # the shell leaves the ~ of --out=~/plots alone
        evaluator=flags.evaluator,
    )
    for path in paths:
        print(path)
    say_next(f"report {name}", storage=storage)
    return 0


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]

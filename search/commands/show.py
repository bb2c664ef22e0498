"""What ``bardtune show`` prints."""

from typing import TYPE_CHECKING

from bardtune.search.terminal.lines import run_line
from bardtune.studies.analysis.verdict import study_json
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study

if TYPE_CHECKING:
    pass
from bardtune.search.commands.output import print_json
from bardtune.search.commands.shared import print_summary, quiet_libraries, storage_url


def show_command(name: str, storage: str | None, *, as_json: bool) -> int:
    quiet_libraries()
    record = read_study(ReadOnlyStorage(storage_url(storage)), name)
    if as_json:
        print_json({**study_json(record), "runs": [run.as_json() for run in record.runs]})
        return 0
    print_summary(record, storage)
    print()
    for run in record.runs:
        print(run_line(run))
    return 0

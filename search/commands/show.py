"""What ``bardtune show`` prints."""

from bardtune.search.commands.output import print_json
from bardtune.search.commands.shared import print_summary, read_only
from bardtune.search.terminal.lines import run_line
from bardtune.studies.analysis.run_facts import shown_json
from bardtune.studies.analysis.verdict import study_json


def show_command(name: str, storage: str | None, *, as_json: bool) -> int:
    record = read_only(name, storage)
    if as_json:
        print_json({**study_json(record), "runs": [shown_json(record, run) for run in record.runs]})
        return 0
    print_summary(record, storage)
    print()
    for run in record.runs:
        print(run_line(run))
    return 0

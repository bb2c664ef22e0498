"""What ``bardtune run`` prints, and its exit code."""

import sys
from pathlib import Path

from bardtune.search.commands.output import print_json
from bardtune.search.commands.shared import quiet_libraries, storage_url
from bardtune.search.scripts.service import run_in_study
from bardtune.search.terminal.lines import script_line
from bardtune.studies.analysis.run_facts import shown_json
from bardtune.studies.store.lock import OwnershipLostError


def run_command(script: Path, study: str, storage: str | None, *, seed: int, began: float, as_json: bool) -> int:
    """Run a script; 0 finished, 1 it failed, 130 stopped by the user."""
    quiet_libraries()
    try:
        record, run = run_in_study(storage_url(storage), study, script, seed=seed, began=began)
    except OwnershipLostError as problem:
        print(f"bardtune: {problem}; nothing more is written to it.", file=sys.stderr)
        return 1
    if as_json:
        print_json({"study": study, **shown_json(record, run)})
    else:
        print(f"study {study}, {script_line(run)}")
    return {"finished": 0, "interrupted": 130}.get(run.ending or "", 1)

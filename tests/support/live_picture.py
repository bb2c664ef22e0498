"""docs/live-view.svg, a study while it runs. ``python -m support.live_picture --write`` in tests/ records it anew."""

import io
import os
import re
import signal
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.live import Live

from bardtune.data.awake import awake_s
from bardtune.search.engine.planning import resolve_plan
from bardtune.search.engine.session import start_study
from bardtune.search.terminal.lines import LineView
from bardtune.search.terminal.live import LiveView
from bardtune.studies.records import StudyRecord
from support.paths import ROOT

PICTURE = ROOT / "docs" / "live-view.svg"
COMMAND = "bardtune start shakes --trials 20 --seconds 8"
PLAN = {"trials": 20, "seconds": 8.0}
COLUMNS = 112
WITHOUT_NETWORK = re.sub(r"    @font-face \{\{.*?\n    \}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "Fira Code, DejaVu Sans Mono, Menlo, Consolas, monospace"
)  # of the fonts of whoever looks at it
TRIAL, PERCENT = "search-0004", 60  # when the picture is taken


class Photographer(LiveView):
    """The live view on paper, which is taken in the middle of a trial and ends the session then."""

    def study_began(self, record: StudyRecord) -> None:
        paper = LineView(self.console)
        paper.say(f"$ {COMMAND}", style="bold")
        paper.study_began(record)
        self.record, self.seconds_used = record, record.seconds_used

    def measured(self, run_id: str, percent: int, val_bpb: float) -> None:
        super().measured(run_id, percent, val_bpb)
        if run_id == TRIAL and percent >= PERCENT and self.console.record:
            last = Live(self.picture(), console=self.console, auto_refresh=False)
            last.start()
            last.stop()  # draws it
            self.console.record = False
            os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BARDTUNE_HOME"] = folder
        view = Photographer(console)
        start_study(f"sqlite:///{Path(folder) / 'studies.db'}", "shakes", resolve_plan(PLAN, {}), view, began=awake_s())
    console.record = True
    svg = console.export_svg(title=COMMAND, unique_id="live-view", code_format=WITHOUT_NETWORK)
    if "--write" in sys.argv:
        PICTURE.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")
    else:
        sys.stdout.write(svg)


if __name__ == "__main__":
    main()

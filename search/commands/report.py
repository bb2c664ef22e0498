"""What ``bardtune report`` writes."""

import codecs
import contextlib
import getpass
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bardtune.data.errors import CorpusError, UserError
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.analysis.winner import weights_of
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.home import data_home
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage

if TYPE_CHECKING:
    from bardtune.studies.report import Sample
from bardtune.search.commands.output import check_out, warn_in_text, write_out
from bardtune.search.commands.sample import SampleFlags, written_by
from bardtune.search.commands.shared import quiet_libraries, say_next, storage_url

ON_THE_PAGE = SampleFlags(prompt="", num_bytes=500, temperature=0.8, seed=0)


def report_command(name: str, storage: str | None, *, out: Path | None, with_sample: bool) -> int:
    """Write the report of a study."""
    from bardtune.studies.report import report_html  # loads the plotting libraries

    quiet_libraries()
    opened = ReadOnlyStorage(storage_url(storage))
    record = read_study(opened, name)
    out = Path(f"{name}-report.html") if out is None else out
    check_out(out)
    sample = page_sample(opened, record) if with_sample else None
    page = report_html(record, sample=sample, names=user_names())
    warn_in_text(out, record)
    print(write_out(out, page))
    say_next(f"export {record.name}", storage=storage)
    return 0


def page_sample(storage: Storage, record: StudyRecord, *, flags: SampleFlags = ON_THE_PAGE) -> "Sample":
    """What the winner of a study writes, or in a sentence why it does not."""
    from bardtune.studies.report import Sample

    def no(reason: str) -> Sample:
        return Sample(note=f"There is no sample: {reason}.")

    run = verdict_of(record).take_home
    if run is None:
        return no("no trial has finished")
    if record.state == "running":
        return no("the study was still running when this page was made, and writing would have slowed its training")
    weights = weights_of(storage, record, run, data_home())
    if not weights.exists():
        return no(f"the weights of {run.label} were not on the machine where this page was made")
    print("letting the winner write a sample (--no-sample leaves it out) ...", file=sys.stderr, flush=True)
    try:
        written = bytes(written_by(weights, record, flags))
    except CorpusError:
        return no("the text that the study learned from is not where it was, or has changed")
    except UserError:  # damaged, or of a version with other settings
        return no(f"the weights of {run.label} cannot be read")
    return Sample(
        text=codecs.getincrementaldecoder("utf-8")("replace").decode(written),  # without half a character at its end
        note=f"{flags.num_bytes} bytes by {run.label}, seed {flags.seed}, temperature {flags.temperature:g}. "
        f"More of it: bardtune sample {record.name}",
    )


def user_names() -> tuple[str, ...]:
    """What this machine and its user are called."""
    names = [socket.gethostname()]
    with contextlib.suppress(OSError, KeyError, RuntimeError):
        names += [getpass.getuser(), Path.home().name]
    return tuple(name for name in dict.fromkeys(names) if name and name != "root")

"""What ``bardtune sample`` prints: text that a study's winner writes."""

import codecs
import itertools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bardtune.data.paths import shown
from bardtune.search.commands.shared import quiet_libraries, storage_url
from bardtune.studies.analysis.winner import find_winner
from bardtune.studies.errors import PlanError
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.home import data_home
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.text import text_of

MOST_BYTES = 1_000_000
MOST_TEMPERATURE = 100.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleFlags:
    """What was said on the command line.

    Raises:
        PlanError: a value that no text could have.
    """

    prompt: str
    num_bytes: int
    temperature: float
    seed: int

    def __post_init__(self) -> None:
        if not 1 <= self.num_bytes <= MOST_BYTES:
            raise PlanError(f"--bytes {self.num_bytes} is outside 1 to {MOST_BYTES:,}; choose --bytes 500.")
        if not 0.0 <= self.temperature <= MOST_TEMPERATURE:  # NaN is neither
            raise PlanError(
                f"--temperature {self.temperature:g} is outside 0 to {MOST_TEMPERATURE:g}; choose --temperature 0.8."
            )
        if not 0 <= self.seed < 2**31:
            raise PlanError(f"--seed {self.seed} is outside 0 to {2**31 - 1}; choose --seed 0.")


def sample_command(name: str, flags: SampleFlags, storage: str | None) -> int:
    """Write text to standard output, byte by byte."""
    quiet_libraries()
    winner = find_winner(ReadOnlyStorage(storage_url(storage)), name, data_home())
    written = written_by(winner.weights, winner.record, flags)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for value in itertools.chain(os.fsencode(flags.prompt), written):
        _write(decoder.decode(bytes([value])))
    _write(decoder.decode(b"", final=True) + "\n")
    return 0


def written_by(weights: Path, record: StudyRecord, flags: SampleFlags) -> Iterator[int]:
    """The bytes that go on after the prompt; the text of the study is counted first.

    Raises:
        CorpusError: that text is not there, or has changed.
        WeightsError: the weights are damaged, or another version of the trainer has left them.
    """
    corpus = text_of(record)
    from bardtune.model.generation import generate
    from bardtune.model.network.weights import read_weights, trained_model

    model = trained_model(read_weights(weights))
    model.learn_counts(corpus.train)
    written = generate(model, os.fsencode(flags.prompt), temperature=flags.temperature, seed=flags.seed)
    return itertools.islice(written, flags.num_bytes)


def _write(text: str) -> None:
    """Pass text on as it is, but to a terminal nothing that would steer it."""
    sys.stdout.write(shown(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()

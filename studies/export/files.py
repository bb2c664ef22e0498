"""The files of an export: what each is called and how its text is made, spelled once for writing and for checking."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bardtune.studies.contract import prepare_source
from bardtune.studies.errors import StudyError
from bardtune.studies.export.methodology import methodology
from bardtune.studies.export.program import train_source
from bardtune.studies.export.readme import readme

CORPUS_FILE = "corpus.bin"  # where prepare.py looks beside itself


class ExportError(StudyError):
    """A folder that is no export, or no longer what was exported."""


@dataclass(frozen=True, slots=True)
class ExportPaths:
    """Every file name of an export, spelled once."""

    root: Path

    @property
    def train(self) -> Path:
        return self.root / "train.py"

    @property
    def prepare(self) -> Path:
        return self.root / "prepare.py"

    @property
    def weights(self) -> Path:
        return self.root / "weights.safetensors"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def submission(self) -> Path:
        return self.root / "submission.json"

    @property
    def readme(self) -> Path:
        return self.root / "README.md"

    @property
    def corpus(self) -> Path:
        return self.root / CORPUS_FILE

    @property
    def all(self) -> tuple[Path, ...]:
        return (self.train, self.prepare, self.weights, self.settings, self.submission, self.readme)


def written_texts(log: dict[str, Any]) -> dict[str, str]:
    """The texts that follow from the log: file name to content."""
    winner = log["winner"]
    program = train_source(winner["settings"], threads=winner["threads"])
    submission = {"train_code": program, "methodology": methodology(log), "replay_log": log}
    return {
        "train.py": program,
        "prepare.py": prepare_source(corpus=log["corpus"], budget_s=winner["settings"]["budget_s"]),
        "submission.json": json.dumps(submission, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "README.md": readme(log),
    }


def settings_text(log: dict[str, Any], digests: dict[str, str]) -> str:
    """``settings.json``: the winner, what it was measured on and with, and the digest of every other file."""
    facts = settings_facts(log) | {"sha256": digests}
    return json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def settings_facts(log: dict[str, Any]) -> dict[str, Any]:
    """All of ``settings.json`` that follows from the log."""
    winner = log["winner"]
    named = ("settings", "threads", "cpu", "val_bpb", "test_bpb", "total_steps", "num_params")
    return {
        "format": log["format"],
        "study": log["study"],
        "run": winner["label"],
        **{name: winner[name] for name in named},
        "corpus": log["corpus"],
        "fingerprint": log["fingerprint"],
    }


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

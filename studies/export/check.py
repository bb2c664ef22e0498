"""Reading an export and holding its files against each other: whatever was changed in one is contradicted by another.

Nothing of the folder is executed. ``train.py``, ``prepare.py`` and ``README.md`` must be what this bardtune writes for
the logged settings, the methodology what it tells from the log, the settings those in the weights' own metadata.
What all files agree on can still be made up; that is for the weights' score and for the run itself to show.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bardtune.model import TRAINER_VERSION
from bardtune.model.settings import settings_from
from bardtune.studies.export.files import (
    CORPUS_FILE,
    ExportError,
    ExportPaths,
    digest_of,
    settings_facts,
    settings_text,
    written_texts,
)
from bardtune.studies.export.log import FORMAT, own_version, report_steps


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """An export whose files agree with each other."""

    paths: ExportPaths
    log: dict[str, Any]

    @property
    def winner(self) -> dict[str, Any]:
        found: dict[str, Any] = self.log["winner"]
        return found


def read_export(folder: Path) -> Export:
    """Read the export in ``folder`` and check it.

    Raises:
        ExportError, WeightsError: it is none, or something in it was changed; the sentence says what contradicts what.
    """
    paths = ExportPaths(folder)
    _check_files(paths)
    settings, submission = _json(paths.settings), _json(paths.submission)
    log = submission.get("replay_log")
    if not isinstance(log, dict) or log.get("format") != FORMAT:
        raise ExportError(f"{paths.submission} has no replay_log of format {FORMAT}; export the study again.")
    try:
        _check_version(paths, log)
        _check_log(paths, log)
        _check_settings(paths, settings, log)
        _check_texts(paths, settings, log)
        _check_weights(paths, log)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, StopIteration) as problem:
        raise ExportError(f"{paths.submission} is no log of a study: {problem!r:.200}; export it again.") from problem
    return Export(paths=paths, log=log)


def _check_files(paths: ExportPaths) -> None:
    if not paths.root.is_dir():
        raise ExportError(f"no folder {paths.root}; give one that bardtune export has written.")
    for path in paths.all:
        if not path.is_file():
            raise ExportError(f"{paths.root} is no export: {path.name} is missing; export the study again.")
    known = {path.name for path in paths.all} | {CORPUS_FILE, "__pycache__"}
    if strange := sorted(path.name for path in paths.root.iterdir() if path.name not in known):
        raise ExportError(f"{paths.root} holds {strange[0]}, which is no part of an export; take it away.")


def _json(path: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (OSError, ValueError, RecursionError) as problem:
        raise ExportError(f"{path} cannot be read: {problem!s:.200}; export the study again.") from problem
    if not isinstance(found, dict):
        raise ExportError(f"{path} holds no object; export the study again.")
    return found


def _check_version(paths: ExportPaths, log: dict[str, Any]) -> None:
    """An export of another trainer is whole, and what it holds cannot be repeated here."""
    trainer = log["fingerprint"]["trainer_version"]
    if trainer != TRAINER_VERSION:
        raise ExportError(
            f"{paths.root} was made by bardtune {log.get('bardtune', 'of an older version')} with trainer version "
            f"{trainer}, and this is bardtune {own_version()} with {TRAINER_VERSION}; repeat the run with: "
            "python train.py --recorded"
        )


def _check_log(paths: ExportPaths, log: dict[str, Any]) -> None:
    """The log against itself: the winner is one of its runs, and reports when its steps say."""
    winner = log["winner"]
    run = next((run for run in log["runs"] if run["label"] == winner["label"]), None)
    if run is None:
        raise _contradiction(paths, "the log", f"has no run {winner['label']!r}, which is to be the winner")
    for ours, theirs in (
        ("val_bpb", "val_bpb"), ("settings", "settings"), ("total_steps", "steps"), ("num_params", "num_params"),
    ):  # fmt: skip
        if winner[ours] != run[theirs]:
            raise _contradiction(paths, "the log", f"says {theirs} of {winner['label']} twice and not the same")
    steps = report_steps(winner["fractions"])
    reported = {percent: bpb for percent, bpb in run["intermediate_values"] if percent in steps}
    expected = [[percent, steps[percent], bpb] for percent, bpb in reported.items()]
    if winner["trajectory"] != expected or set(reported) != set(steps):
        raise _contradiction(paths, "the log", "has reports of the winner that do not fit its steps")
    if reported[100] != winner["val_bpb"] or not math.isfinite(winner["val_bpb"]):
        raise _contradiction(paths, "the log", "has a last report of the winner that is not its bpb")
    if winner["total_steps"] != len(winner["fractions"]):
        raise _contradiction(paths, "the log", "has more or fewer fractions than the winner has steps")
    best = log["verdict"]["best"]
    if best["trial"] != winner["trial"] or best["test_bpb"] != winner["test_bpb"]:
        raise _contradiction(paths, "the log", "has another winner in its verdict")


def _check_settings(paths: ExportPaths, settings: dict[str, Any], log: dict[str, Any]) -> None:
    """settings.json against the log."""
    for name, value in settings_facts(log).items():
        if settings.get(name) != value:
            raise _contradiction(paths, "settings.json", f"says {name} otherwise than submission.json")


def _check_texts(paths: ExportPaths, settings: dict[str, Any], log: dict[str, Any]) -> None:
    """Every file against what this bardtune would write, and against its digest."""
    contents = {path.name: path.read_bytes() for path in paths.all}
    for name, text in written_texts(log).items():
        if contents[name] != text.encode():
            raise _contradiction(
                paths,
                name,
                f"is not what bardtune {own_version()} writes for this log, which says that bardtune "
                f"{log.get('bardtune', 'of an older version')} made it: it was changed, or that one wrote it otherwise "
                "(then: python train.py --recorded)",
            )
    digests = {name: digest_of(content) for name, content in sorted(contents.items()) if name != "settings.json"}
    for name, digest in digests.items():
        if settings.get("sha256", {}).get(name) != digest:
            raise _contradiction(paths, name, "has not the SHA-256 that settings.json says")
    if contents["settings.json"] != settings_text(log, digests).encode():
        raise _contradiction(paths, "settings.json", "is not what this bardtune writes for this log")


def _check_weights(paths: ExportPaths, log: dict[str, Any]) -> None:
    """The weights' metadata against the log."""
    from bardtune.model.network.weights import read_weights  # imports torch

    saved = read_weights(paths.weights)
    winner = log["winner"]
    for name, ours, theirs in (
        ("settings", saved.settings, settings_from(winner["settings"])),
        ("threads", saved.threads, winner["threads"]),
        ("fractions", saved.fractions, winner["fractions"]),
    ):
        if ours != theirs:
            raise _contradiction(paths, "weights.safetensors", f"has other {name} than submission.json")
    if saved.trainer_version != log["fingerprint"]["trainer_version"]:
        raise _contradiction(paths, "weights.safetensors", "has another trainer version than submission.json")


def _contradiction(paths: ExportPaths, what: str, how: str) -> ExportError:
    return ExportError(f"{paths.root} was changed after it was exported: {what} {how}.")

"""Writing an export."""

from pathlib import Path

from bardtune.data.corpus import Corpus
from bardtune.data.files import replacing
from bardtune.model.settings import settings_from
from bardtune.studies.analysis.winner import Winner
from bardtune.studies.errors import StudyError
from bardtune.studies.export.files import ExportError, ExportPaths, digest_of, settings_text, written_texts
from bardtune.studies.export.log import replay_log


def write_export(winner: Winner, folder: Path, *, corpus: Corpus | None = None) -> ExportPaths:
    """Write the winner's program, weights and log; the folder is whole or not there.

    Args:
        winner: from ``find_winner``.
        folder: to be made; an empty one is taken too.
        corpus: the text to put beside the program; None for none.

    Raises:
        ExportError: the folder holds something, or cannot be made.
        StudyError: the weights are not those of the run.
        WeightsError: they cannot be read, or another version of the trainer has left them.
    """
    from bardtune.model.network.weights import check_trainer, read_weights  # imports torch

    saved = read_weights(winner.weights)
    if saved.settings != settings_from(winner.run.settings) or saved.threads != winner.run.stats.threads:
        raise StudyError(f"the weights {winner.weights} are not those of {winner.run.label}; run the study again.")
    check_trainer(saved)
    log = replay_log(winner, fractions=saved.fractions, test_bpb=winner.verdict.test_bpb)
    files: dict[str, bytes | memoryview] = {name: text.encode() for name, text in written_texts(log).items()}
    files["weights.safetensors"] = winner.weights.read_bytes()
    digests = {name: digest_of(bytes(files[name])) for name in sorted(files)}
    files["settings.json"] = settings_text(log, digests).encode()
    if corpus is not None:
        files["corpus.bin"] = corpus.content.data
    _write_folder(folder, files)
    return ExportPaths(folder)


def _write_folder(folder: Path, files: dict[str, bytes | memoryview]) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"{folder} is there and not empty; choose another folder with --out.")
    try:
        with replacing(folder) as draft:
            draft.mkdir()
            for name, content in files.items():
                (draft / name).write_bytes(content)
    except OSError as problem:
        raise ExportError(f"cannot write {folder}: {problem.strerror}; choose another folder with --out.") from problem

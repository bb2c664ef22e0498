"""Weights of a finished run: whole, without code, and enough to have the model again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bardtune.data.corpus import Corpus
from bardtune.data.errors import UserError
from bardtune.data.windows import evaluation_windows
from bardtune.model import TRAINER_VERSION
from bardtune.model.measure.ruler import evaluate
from bardtune.model.network.weights import read_weights, save_weights, trained_model
from safetensors import SafetensorError

BeginRun = Callable[..., Any]


@pytest.mark.parametrize("changes", [{}, {"tied_head": False}, {"count_max_order": 3, "count_words": 1}])
def test_a_run_that_is_read_again_scores_as_it_did(
    begin_run: BeginRun, tiny_corpus: Corpus, tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = begin_run(**changes)
    *_, last = run.events()
    path = tmp_path / "weights" / "trial-0.safetensors"
    save_weights(path, run.model, settings=run.settings, fractions=run.fractions, threads=1)
    saved = read_weights(path)
    assert (saved.settings, saved.fractions, saved.threads) == (run.settings, list(run.fractions), 1)
    model = trained_model(saved)
    model.learn_counts(np.asarray(tiny_corpus.train))
    assert evaluate(model, evaluation_windows(tiny_corpus.validation)) == pytest.approx(last.val_bpb, abs=1e-6)
    assert [file.name for file in path.parent.iterdir()] == ["trial-0.safetensors"]


def test_a_file_that_is_no_weights_is_refused_with_an_error_of_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    with pytest.raises(OSError, match="No such file"):
        read_weights(path)
    path.write_bytes(b"not weights")
    with pytest.raises(SafetensorError):
        read_weights(path)


def test_weights_of_another_trainer_are_refused_in_one_sentence(begin_run: BeginRun, tmp_path: Path) -> None:
    run = begin_run()
    save_weights(tmp_path / "w", run.model, settings=run.settings, fractions=[], threads=1)
    saved = read_weights(tmp_path / "w")._replace(trainer_version=TRAINER_VERSION - 1)
    with pytest.raises(UserError, match=f"trainer version {TRAINER_VERSION - 1} .* use the bardtune that trained them"):
        trained_model(saved)


def test_a_tensor_that_is_missing_is_noticed(begin_run: BeginRun, tmp_path: Path) -> None:
    run = begin_run()
    save_weights(tmp_path / "w", run.model, settings=run.settings, fractions=[], threads=1)
    saved = read_weights(tmp_path / "w")
    del saved.tensors["token.weight"]
    with pytest.raises((RuntimeError, KeyError), match=r"token\.weight"):
        trained_model(saved)
    assert torch.is_tensor(run.model.token.weight)

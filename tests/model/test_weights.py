"""Weights of a finished run: whole, without code, and enough to have the model again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bardtune.data.corpus import Corpus
from bardtune.data.windows import evaluation_windows
from bardtune.model import TRAINER_VERSION
from bardtune.model.measure.ruler import evaluate
from bardtune.model.network.weights import WeightsError, read_weights, save_weights, trained_model

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


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (None, "'settings' is missing"),
        ({"settings": "{"}, "Expecting property name"),
        ({"settings": "[]"}, "these settings are missing"),
        ({"settings": '{"d_modle": 8}'}, "did you mean 'd_model'"),
        ({"settings": "[" * 100_000}, "recursion"),
    ],
)
def test_a_file_of_tensors_that_is_none_of_ours_is_refused(
    metadata: dict[str, str] | None, said: str, tmp_path: Path
) -> None:
    save_file({"token.weight": torch.zeros(1)}, tmp_path / "w", metadata=metadata)
    with pytest.raises(WeightsError, match=f"the weights w cannot be read: .*{said}.*; run the study again"):
        read_weights(tmp_path / "w")


def test_what_is_no_file_of_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="the weights w cannot be read: No such file"):
        read_weights(tmp_path / "w")
    (tmp_path / "w").write_bytes(b"not weights")
    with pytest.raises(WeightsError, match=r"the weights w cannot be read: .*; run the study again"):
        read_weights(tmp_path / "w")


def test_weights_of_another_trainer_are_refused_in_one_sentence(begin_run: BeginRun, tmp_path: Path) -> None:
    run = begin_run()
    save_weights(tmp_path / "w", run.model, settings=run.settings, fractions=[], threads=1)
    saved = read_weights(tmp_path / "w")._replace(trainer_version=TRAINER_VERSION - 1)
    with pytest.raises(WeightsError, match=f"trainer version {TRAINER_VERSION - 1} .* use the bardtune that trained"):
        trained_model(saved)


def test_a_tensor_that_is_missing_is_noticed(begin_run: BeginRun, tmp_path: Path) -> None:
    run = begin_run()
    save_weights(tmp_path / "w", run.model, settings=run.settings, fractions=[], threads=1)
    saved = read_weights(tmp_path / "w")
    del saved.tensors["token.weight"]
    with pytest.raises(WeightsError, match=r"do not fit their settings: Missing key.*token\.weight"):
        trained_model(saved)

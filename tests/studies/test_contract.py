"""prepare.py: standalone, and the same text, windows and ruler as the project's own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bardtune.data.corpus import Corpus, load_corpus
from bardtune.data.windows import evaluation_windows, shuffled_offsets, windows_at
from bardtune.model.measure.ruler import evaluate
from bardtune.studies.contract import prepare_source

pytestmark = pytest.mark.usefixtures("one_thread")


def facts(corpus: Corpus) -> dict[str, Any]:
    return {"name": corpus.name, "bytes": corpus.num_bytes, "sha256": corpus.sha256}


def prepared(corpus: Corpus, budget_s: float = 1.5) -> dict[str, Any]:
    """The names of a prepare.py for this text, as a module that a script imports has them."""
    names: dict[str, Any] = {"__name__": "prepare", "__file__": "/nowhere/prepare.py"}
    exec(prepare_source(corpus=facts(corpus), budget_s=budget_s), names)
    return names


@pytest.fixture
def prepare(tiny_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    (tmp_path / "text.txt").write_bytes(tiny_corpus.content.tobytes())
    monkeypatch.setenv("BARDTUNE_CORPUS", str(tmp_path))
    monkeypatch.delenv("TORCH_SEED", raising=False)
    return prepared(tiny_corpus)


class Guess(torch.nn.Module):
    """A bigram table, with a dropout that only training feels."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(256, 256)
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dropout(self.table(x))


def test_its_bpb_is_that_of_the_ruler_whatever_the_batch_size(prepare: dict[str, Any], tiny_corpus: Corpus) -> None:
    model = Guess()
    own = evaluate(model, evaluation_windows(tiny_corpus.validation))
    assert {prepare["evaluate_bpb"](model, size, "cpu") for size in (1, 7, 64)} == {own}
    assert model.training


def test_it_trains_on_the_windows_that_the_trainer_would_take(prepare: dict[str, Any], tiny_corpus: Corpus) -> None:
    batches = prepare["make_dataloader"](3, 256, "train", torch.device("cpu"))
    for step in range(40):  # into the second epoch
        offsets = shuffled_offsets(tiny_corpus.train, batch_size=3, seed=42, step=step)
        expected = windows_at(tiny_corpus.train, offsets)
        x, y = next(batches)
        assert (x.dtype, y.dtype) == (torch.int64, torch.int64)
        assert np.array_equal(x, expected[:, :-1])
        assert np.array_equal(y, expected[:, 1:])


def test_validation_comes_in_the_order_of_the_text_without_end(prepare: dict[str, Any], tiny_corpus: Corpus) -> None:
    windows = evaluation_windows(tiny_corpus.validation)
    batches = prepare["make_dataloader"](len(windows), 256, "val", "cpu")
    for _ in range(2):
        assert np.array_equal(next(batches)[0], windows[:, :-1])


def test_the_parts_are_those_of_the_corpus_and_the_test_part_is_refused(
    prepare: dict[str, Any], tiny_corpus: Corpus
) -> None:
    assert np.array_equal(prepare["load_part"]("train"), tiny_corpus.train)
    assert np.array_equal(prepare["load_part"]("val"), tiny_corpus.validation)
    with pytest.raises(ValueError, match="scored once, when a study ends"):
        prepare["make_dataloader"](1, 256, "test", "cpu")
    with pytest.raises(ValueError, match="choose 'train' or 'val'"):
        prepare["make_dataloader"](1, 256, "valid", "cpu")


def test_impossible_windows_and_logits_are_refused_in_a_sentence(prepare: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"such as make_dataloader\(8, 256"):
        prepare["make_dataloader"](0, 256, "train", "cpu")
    with pytest.raises(ValueError, match=r"must give logits of shape \(\d, 256, 256\), and it gives tuple"):
        prepare["evaluate_bpb"](lambda x: (x, x), 8, "cpu")


def test_the_constants_are_the_studys_and_of_a_path_only_the_last_part_is_told(tiny_corpus: Corpus) -> None:
    corpus = {**facts(tiny_corpus), "name": '/home/somebody/o"d nämé.txt'}
    names: dict[str, Any] = {"__name__": "prepare", "__file__": "prepare.py"}
    source = prepare_source(corpus=corpus, budget_s=180.0)
    exec(source, names)
    assert (names["TIME_BUDGET"], names["MAX_SEQ_LEN"], names["VOCAB_SIZE"]) == (180, 256, 256)
    assert names["CORPUS_NAME"] == 'o"d nämé.txt'
    assert "somebody" not in source
    assert names["ByteTokenizer"]().decode([104, 105, 255]) == "hi\ufffd"


def test_another_text_is_refused_and_the_sentence_says_where_it_was_looked_for(
    prepare: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_bytes(b"something else")
    with pytest.raises(FileNotFoundError, match=r"BARDTUNE_CORPUS=.* \(14 other bytes\), .*corpus\.bin \(nothing"):
        prepare["evaluate_bpb"](Guess(), 8, "cpu")


def test_it_works_alone_beside_its_text(tiny_corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "prepare.py").write_text(prepare_source(corpus=facts(tiny_corpus), budget_s=2.5))
    (tmp_path / "corpus.bin").write_bytes(tiny_corpus.content.tobytes())
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from prepare import *\n"
        "import torch, json\n"
        "x, y = next(make_dataloader(2, MAX_SEQ_LEN, 'train', 'cpu'))\n"
        "bpb = evaluate_bpb(torch.nn.Embedding(VOCAB_SIZE, 256), 4, 'cpu')\n"
        "rooms = [name for name in sys.modules if name.split('.')[0] == 'bardtune']\n"
        "print(json.dumps([TIME_BUDGET, list(x.shape), bpb > 8, rooms]))\n"
    )
    environment = {"PATH": os.environ["PATH"]}
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [2.5, [2, 256], True, []]


def test_the_plays_are_found_where_the_package_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BARDTUNE_CORPUS", raising=False)
    corpus = load_corpus()
    assert np.array_equal(prepared(corpus)["load_part"]("val"), corpus.validation)

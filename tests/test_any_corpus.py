"""The best recipe on texts that are nothing like Shakespeare's."""

import math
import random

import numpy as np
import pytest
from fakes import text_of

from data.corpus import Corpus, corpus_of
from model.presets import PRESETS, preset
from model.trainer import Progress, train

pytestmark = pytest.mark.usefixtures("one_thread")


def trained(preset_name: str, corpus: Corpus, num_steps: int) -> list[Progress]:
    settings = preset(preset_name, budget_s=60.0, seed=0, batch_size=2)
    return list(train(settings, corpus, num_steps=num_steps))


@pytest.mark.parametrize("preset_name", PRESETS)
def test_noise_is_not_compressed_and_nothing_breaks(preset_name: str) -> None:
    corpus = corpus_of("noise", np.random.default_rng(0).bytes(64 * 1024))
    reports = trained(preset_name, corpus, 60)
    assert all(math.isfinite(report.val_bpb) for report in reports)
    assert 7.99 < reports[-1].val_bpb < 8.4  # 48 kB of noise can be learned by heart, a little


def test_a_text_of_200_kib_is_learned_by_its_counts() -> None:
    corpus = corpus_of("short", text_of(200 * 1024))
    first, *_, last = (report.val_bpb for report in trained("modern", corpus, 60))
    assert first < 1.0  # after six steps
    assert last < 0.65  # ten words drawn evenly: 0.58 bits for each of their 5.7 bytes


def test_all_256_values_and_a_validation_part_with_bytes_that_training_never_saw() -> None:
    chance = random.Random(0)
    seen = [bytes(chance.choices(range(128), k=6)) for _ in range(20)]
    unseen = [bytes(chance.choices(range(128, 256), k=6)) for _ in range(20)]
    text = b"".join(chance.choices(seen, k=16_000)) + b"".join(chance.choices(seen + unseen, k=4_000))
    reports = trained("modern", corpus_of("all values", text), 40)
    assert all(math.isfinite(report.val_bpb) for report in reports)
    corpus = corpus_of("all values", bytes(range(256)) * 300)
    assert trained("modern", corpus, 40)[-1].val_bpb < 0.5

"""The experts: what they say is a distribution, and the one that counting by hand gives."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import torch

from bardtune.model.counting.counts import NUM_FOLDS
from bardtune.model.counting.experts import DISCOUNT, LEAST_PROBABILITY, ROOT_SCALE, CountExperts, base_probabilities
from bardtune.model.network.gpt import GPT
from bardtune.model.settings import TrialSettings
from support.small_models import new_model, random_bytes

pytestmark = pytest.mark.usefixtures("one_thread")
MakeSettings = Callable[..., TrialSettings]
EXPERTS = {"count_max_order": 4, "count_words": 2, "window_max_order": 5}
TEXT = np.frombuffer(b"the cat sat on the mat, and the rat sat on the cat. " * 200, dtype=np.uint8)


@pytest.fixture
def experts(tiny_settings: MakeSettings) -> CountExperts:
    experts = CountExperts(tiny_settings(**EXPERTS))
    experts.learn(TEXT)
    return experts


def window(text: bytes) -> torch.Tensor:
    return torch.tensor([list(text)])


def test_each_expert_gives_a_distribution(experts: CountExperts) -> None:
    x = window(b"the hat sat on that cat, and the ra")
    evidence = experts.evidence(x, None)
    assert evidence.log_p.shape == (x.shape[1], 7, len(set(TEXT.tolist())))
    assert torch.allclose(evidence.log_p.exp().sum(-1), torch.tensor(1.0), atol=1e-4)


def test_a_long_context_says_what_followed_it(experts: CountExperts) -> None:
    evidence = experts.evidence(window(b"on the ca"), None)
    of_four = evidence.log_p[-1, 2].exp()
    assert experts.tables is not None
    assert chr(int(experts.tables.alphabet[of_four.argmax()])) == "t"
    # "e ca" was seen 400 times, always before "t": all but the discount goes there
    assert of_four.max() == pytest.approx(1.0, abs=2 * DISCOUNT / 400)


def test_the_window_is_counted_too(experts: CountExperts) -> None:
    text = b"dog eats, dog eat"  # no such word in the training text
    evidence = experts.evidence(window(text), None)
    assert experts.tables is not None
    symbols = {chr(int(byte)): place for place, byte in enumerate(experts.tables.alphabet)}
    in_window = evidence.log_p[-1, -1].exp()  # the last 5 bytes, "g eat", came once, before "s"
    assert in_window[symbols["s"]] > 1 - DISCOUNT - 1e-6
    assert evidence.log_p[-1, 2].exp()[symbols["s"]] < 0.9


def test_confidence_tells_how_often_and_how_variously(experts: CountExperts) -> None:
    evidence = experts.evidence(window(b"on the"), None)
    times, kinds = evidence.confidence[-1].view(2, -1)[:, 1].mul(4).expm1().tolist()
    assert times == pytest.approx(800, rel=1e-3)  # "the", of four sorts
    assert kinds == pytest.approx(1, rel=1e-3)  # always a blank
    assert experts.evidence(window(b"zzzzz"), None).confidence.abs().max() < 1  # the window's own "zzz", no more


def test_what_is_embedded_is_the_plain_sum_over_the_bytes_that_occur(experts: CountExperts) -> None:
    evidence = experts.evidence(window(b"the cat sat on the "), None)
    embedded = experts.embed(evidence)
    longest, in_window = evidence.log_p[:, 2], evidence.log_p[:, -1]  # the last 4 bytes; the last of all experts
    for p in (0, 7, 18):
        expected = experts.confidence.weight @ evidence.confidence[p]
        for column, byte in enumerate(sorted(set(TEXT.tolist()))):
            for group, log_p in enumerate((longest[p, column], in_window[p, column])):
                of_log, of_root = (experts.guess.weight[:, byte + 256 * (group + first)] for first in (0, 2))
                expected = expected + of_log * log_p + of_root * ROOT_SCALE * log_p.exp().sqrt()
        assert torch.allclose(embedded[p], expected, atol=1e-4)


def test_training_text_is_not_told_about_itself(tiny_settings: MakeSettings) -> None:
    text = np.random.default_rng(0).integers(4, size=20_000).astype(np.uint8)
    experts = CountExperts(tiny_settings(count_max_order=12))
    experts.learn(text)
    positions = torch.arange(9_000, 9_256)[None]
    x = torch.from_numpy(text.astype(np.int64))[positions]
    following = torch.from_numpy(text.astype(np.int64))[positions + 1].flatten()
    told = experts.evidence(x, None).log_p[:, -1].gather(1, following[:, None]).mean()
    honest = experts.evidence(x, positions).log_p[:, -1].gather(1, following[:, None]).mean()
    assert told > np.log(0.5)  # random text, yet the next byte is known: it was read there
    assert honest < np.log(0.25)


def test_a_short_budget_counts_a_part_of_the_text(tiny_settings: MakeSettings) -> None:
    text = np.concatenate([np.tile(TEXT, 30), np.frombuffer(b"zyx" * 20_000, dtype=np.uint8)])  # 300 kB, then the rest
    short, long = (CountExperts(tiny_settings(count_max_order=3, budget_s=seconds)) for seconds in (1.0, 10.0))
    for experts in (short, long):
        experts.learn(text)
    of_short, of_long = (each.evidence(window(b"zyxzy"), None) for each in (short, long))
    assert of_short.log_p.shape == of_long.log_p.shape  # what is not counted can be predicted all the same
    assert of_short.confidence[-1].sum() == 0 < of_long.confidence[-1].sum()


def test_base_probabilities_by_hand() -> None:
    base, *_ = base_probabilities(np.frombuffer(b"ababac", dtype=np.uint8), torch.tensor(list(b"abc")))
    assert torch.allclose(base.sum(-1), torch.tensor(1.0), atol=1e-5)
    alone = torch.tensor([2.1, 2.1, 1.1]) / 5.3  # of what follows another byte
    after_zero = torch.tensor([0, 2 - DISCOUNT, 1 - DISCOUNT]) / 3 + DISCOUNT * 2 / 3 * alone
    assert torch.allclose(base[0], after_zero)
    assert torch.allclose(base[2], alone)  # nothing followed it
    assert torch.allclose(base[3], alone)  # a byte that does not occur


@pytest.mark.parametrize("length", [24, 100, 5_000])
def test_base_probabilities_without_a_fold_are_those_of_the_rest(length: int) -> None:
    text = np.random.default_rng(length).integers(3, size=length).astype(np.uint8)
    fold_of = np.arange(length) * NUM_FOLDS // length
    base = base_probabilities(text, torch.arange(3))
    for fold in range(NUM_FOLDS):
        elsewhere = np.flatnonzero(abs(fold_of[:-1] - fold) > 1)
        counts = np.zeros((3, 3))
        np.add.at(counts, (text[elsewhere], text[elsewhere + 1]), 1)
        likelier = np.maximum(counts - DISCOUNT, 0) + DISCOUNT * (counts > 0).sum(-1, keepdims=True) * (
            (counts.sum(0) + 0.1) / (counts.sum() + 0.3)
        )
        seen = counts.sum(-1) > 0
        expected = likelier[seen] / counts.sum(-1, keepdims=True)[seen]
        assert np.allclose(base[1 + fold, :3][torch.from_numpy(seen)].numpy(), expected, atol=1e-6)


def test_a_training_position_is_not_told_its_own_successor(tiny_settings: MakeSettings) -> None:
    text = np.frombuffer(b"ab" * 3_000 + b"aZ" + b"ab" * 3_000, dtype=np.uint8)
    experts = CountExperts(tiny_settings(**EXPERTS, count_dropout=0.0))
    experts.learn(text)
    x, positions = torch.from_numpy(text[5_991:6_007].astype(np.int64))[None], torch.arange(5_991, 6_007)[None]
    before_z = int((x[0] == ord("Z")).nonzero()) - 1
    after_a = (experts.evidence(x, place).log_p[before_z, :, experts.rank[ord("Z")]] for place in (None, positions))
    known, unknown = after_a
    assert (unknown < known).all()
    assert unknown.exp().max() < 1e-4


def test_a_long_text_is_counted_piece_by_piece(tiny_settings: MakeSettings) -> None:
    text = np.tile(np.frombuffer(b"abcdefg", dtype=np.uint8), 1_500_000)
    experts = CountExperts(tiny_settings(**EXPERTS, budget_s=2.0))
    tracemalloc.start()
    experts.learn(text)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 4 * len(text)
    assert experts.base[0, :7].argmax(1).tolist() == [1, 2, 3, 4, 5, 6, 0]
    assert experts.base[0, :7].max(1).values == pytest.approx(1, abs=1e-5)  # also where a piece ends


def test_a_new_model_starts_from_what_the_experts_say(tiny_settings: MakeSettings) -> None:
    model = new_model(tiny_settings(**EXPERTS, tied_head=False, zero_init=True))
    with torch.no_grad():
        model.head.weight.zero_()
        model.learn_counts(TEXT)
        x = window(b"the cat sat on th")
        p = model(x)[0, -1].softmax(-1)
    assert chr(int(p.argmax())) == "e"
    assert p.max() > 0.9


def test_bytes_that_never_occur_are_possible_but_unlikely(tiny_settings: MakeSettings) -> None:
    model = new_model(tiny_settings(**EXPERTS))
    with torch.no_grad():
        model.learn_counts(TEXT)
        p = model(random_bytes(2, 32)).softmax(-1)
    absent = [byte for byte in range(256) if byte not in set(TEXT.tolist())]
    assert p[..., absent].min() > 0
    assert p[..., absent].max() < 100 * LEAST_PROBABILITY


def test_the_tables_are_counted_as_parameters(tiny_settings: MakeSettings) -> None:
    model = GPT(tiny_settings(**EXPERTS), torch.Generator())
    before = model.num_params()
    model.learn_counts(TEXT)
    assert model.experts is not None
    assert model.num_params() == before + model.experts.num_numbers() > before


def test_dropout_makes_contexts_unknown_in_training_only_and_always_the_same_ones(tiny_settings: MakeSettings) -> None:
    experts = CountExperts(tiny_settings(count_max_order=2, count_dropout=0.5))
    text = np.tile(np.arange(64, dtype=np.uint8), 1_000)
    experts.learn(text)
    positions = torch.arange(0, 40_000, 400)[:, None] + torch.arange(16)
    x = torch.from_numpy(text.astype(np.int64))[positions]
    known = experts.evidence(x, positions).confidence.view(100, 16, 2)[:, -1, 0] > 0
    assert 30 < known.sum() < 70
    assert torch.equal(known, experts.evidence(x, positions).confidence.view(100, 16, 2)[:, -1, 0] > 0)
    assert (experts.evidence(x, None).confidence.view(100, 16, 2)[:, -1, 0] > 0).all()


def test_one_kind_of_context_is_dropped_whatever_happens_to_the_others(tiny_settings: MakeSettings) -> None:
    experts = CountExperts(tiny_settings(count_max_order=5, count_dropout=0.5))
    text = np.tile(np.arange(64, dtype=np.uint8), 1_000)
    experts.learn(text)
    positions = torch.arange(0, 40_000, 100)[:, None] + torch.arange(16)
    x = torch.from_numpy(text.astype(np.int64))[positions]
    kept = experts.evidence(x, positions).confidence.view(400, 16, 2, 4)[:, -1, 0] > 0
    for kind in range(4):
        for other in range(kind):
            assert 0.4 < (kept[:, kind] == kept[:, other]).float().mean() < 0.6

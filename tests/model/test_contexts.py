"""Keys of contexts: equal for equal contexts, wherever they stand, and 0 where the row does not hold all of it."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bardtune.model.counting.contexts import order_contexts, skip_contexts, suffix_contexts, word_contexts, words_of


def row(text: bytes) -> Tensor:
    return torch.tensor([list(text)])


def all_keys(x: Tensor) -> list[Tensor]:
    words = words_of(x, 4)
    return [
        *order_contexts(x, range(1, 8)),
        *word_contexts(words, 4),
        *skip_contexts(words, 3),
        *suffix_contexts(words, 3),
    ]


def word_keys(text: bytes, num_words: int = 3) -> list[int]:
    """The keys at the end of a text."""
    return [int(keys[0, -1]) for keys in word_contexts(words_of(row(text), num_words - 1), num_words)]


@given(st.binary(min_size=1, max_size=40), st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_two_places_share_a_key_exactly_if_their_last_bytes_are_the_same(text: bytes, order: int) -> None:
    text = bytes(byte % 3 for byte in text)  # so that contexts come back
    (keys,) = order_contexts(row(text), range(order, order + 1))
    contexts = [text[end - order : end] if end >= order else None for end in range(1, len(text) + 1)]
    for key, context in zip(keys[0].tolist(), contexts, strict=True):
        assert (key == 0) == (context is None)
        for other_key, other in zip(keys[0].tolist(), contexts, strict=True):
            assert (key == other_key) == (context == other)


@given(st.text(alphabet="ab'E .\n", min_size=30, max_size=80), st.integers(0, 29))
@settings(max_examples=100, deadline=None)
def test_a_window_agrees_with_its_text_on_all_that_it_can_see(text: str, start: int) -> None:
    whole, window = row(text.encode()), row(text.encode()[start:])
    for of_whole, of_window in zip(all_keys(whole), all_keys(window), strict=True):
        seen = of_window != 0
        assert torch.equal(of_window[seen], of_whole[:, start:][seen])


def test_the_word_so_far_is_the_same_in_any_place_and_case() -> None:
    so_far, with_previous, with_two = word_keys(b"\nto be, or not to")
    assert word_keys(b" AND SO to", 1) == [so_far]
    assert word_keys(b"...be or NOT  To", 2) == [so_far, with_previous]
    assert word_keys(b"! or not to", 3) == [so_far, with_previous, with_two]
    assert word_keys(b"! nor not to", 3)[2] != with_two
    assert word_keys(b" or not t", 1) != [so_far]


def test_between_words_the_last_byte_stands_for_the_word_so_far() -> None:
    comma, space = word_keys(b"the dog,"), word_keys(b"the dog ")
    assert comma[0] != space[0]
    assert comma[1] != space[1]
    assert word_keys(b" a dog,")[:2] == [comma[0], comma[1]]


def test_a_word_that_begins_before_the_row_is_unknown() -> None:
    assert word_keys(b"dog") == [0, 0, 0]
    assert word_keys(b"dog eats") == [word_keys(b" eats")[0], 0, 0]
    assert 0 not in word_keys(b" the dog eats")


def test_no_later_byte_changes_a_key() -> None:
    text = b"a word, and 'another' word; the end"
    for keys, longer in zip(all_keys(row(text)), all_keys(row(text + b"ing of it")), strict=True):
        assert torch.equal(keys, longer[:, : len(text)])


def test_a_skip_leaves_out_the_words_between() -> None:
    def keys(text: bytes) -> list[int]:
        return [int(each[0, -1]) for each in skip_contexts(words_of(row(text), 3), 2)]

    two_back, three_back = keys(b". the old dog eats")
    assert keys(b". The old, cat Eats") == [two_back, three_back]
    assert keys(b". the young cat eats")[0] != two_back
    assert keys(b". the young cat eats")[1] == three_back
    assert keys(b". the old dog eat")[0] != two_back
    assert keys(b"old dog eats") == [0, 0]  # "old" may have begun before the row


def test_a_suffix_is_how_the_words_before_end() -> None:
    def keys(text: bytes) -> list[int]:
        return [int(each[0, -1]) for each in suffix_contexts(words_of(row(text), 2), 2)]

    one, two = keys(b"; she walked and sang")
    assert keys(b"; he TALKED land  sang") == [one, two]
    assert keys(b"; he talks land sang")[0] == one
    assert keys(b"; he talks land sang")[1] != two
    assert keys(b"; she walked ant sang")[0] != one
    assert keys(b"and sang") == [0, 0]

"""Keys of contexts: equal for equal contexts, wherever they stand, and 0 where the row does not hold all of it."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model.contexts import order_contexts, word_contexts


def row(text: bytes) -> Tensor:
    return torch.tensor([list(text)])


def word_keys(text: bytes, num_words: int = 3) -> list[int]:
    """The keys at the end of a text."""
    return [int(keys[0, -1]) for keys in word_contexts(row(text), num_words)]


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
    orders = range(3, 6)
    for of_whole, of_window in zip(
        order_contexts(whole, orders) + word_contexts(whole, 3),
        order_contexts(window, orders) + word_contexts(window, 3),
        strict=True,
    ):
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
    for keys, longer in zip(
        word_contexts(row(text), 3) + order_contexts(row(text), range(1, 8)),
        word_contexts(row(text + b"ing of it"), 3) + order_contexts(row(text + b"ing of it"), range(1, 8)),
        strict=True,
    ):
        assert torch.equal(keys, longer[:, : len(text)])

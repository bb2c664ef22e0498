"""The tokenizer of a script: bytes are the tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bardtune.data.corpus import VOCAB_SIZE
from bardtune.model.contract.prepare import ByteTokenizer

TOKENIZER = ByteTokenizer()


@given(st.text())
def test_text_survives_the_round_trip(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(st.binary())
def test_bytes_are_their_own_tokens(text: bytes) -> None:
    assert bytes(TOKENIZER.encode(text)) == text


@given(st.binary())
def test_any_bytes_a_model_may_write_can_be_printed(text: bytes) -> None:
    assert TOKENIZER.decode(text) == text.decode("utf-8", errors="replace")


def test_what_is_not_utf8_is_shown_as_a_replacement_character() -> None:
    assert TOKENIZER.decode([0x4F, 0xFF, 0x68]) == "O\ufffdh"


def test_a_letter_outside_ascii_takes_its_utf8_bytes() -> None:
    assert TOKENIZER.encode("é") == [0xC3, 0xA9]


def test_the_vocabulary_is_all_bytes() -> None:
    assert TOKENIZER.vocab_size == VOCAB_SIZE == 256
    assert TOKENIZER.encode(bytes(range(256))) == list(range(256))


@pytest.mark.parametrize("token", [-1, 256])
def test_a_token_outside_the_vocabulary_is_an_error(token: int) -> None:
    with pytest.raises(ValueError, match="range"):
        TOKENIZER.decode([token])

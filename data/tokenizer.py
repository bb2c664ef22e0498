"""The tokenizer: every byte is a token."""

from collections.abc import Iterable

VOCAB_SIZE = 256


class ByteTokenizer:
    """Text to byte values and back; every byte sequence is legal input.

    ``decode`` replaces what is not UTF-8 by U+FFFD, so text that a model wrote byte by byte always prints.
    """

    vocab_size = VOCAB_SIZE

    def encode(self, text: str | bytes) -> list[int]:
        """Return the bytes of ``text`` (UTF-8 for str) as ints from 0 to 255."""
        return list(text.encode("utf-8") if isinstance(text, str) else text)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of ``tokens``; a value outside 0 to 255 raises ValueError."""
        return bytes(tokens).decode("utf-8", errors="replace")

"""Seeds made from a study's seed."""

import hashlib


def derive_seed(seed: int, *parts: object) -> int:
    """A seed from a seed and what it is for: the same on every machine, in every session."""
    text = ":".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1

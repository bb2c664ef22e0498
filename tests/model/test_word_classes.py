"""Words in classes: by what stands beside them, and what becomes of words that are in none."""

import numpy as np
import pytest
import torch

from bardtune.model.counting.contexts import class_contexts, words_of
from bardtune.model.counting.word_classes import NUM_CLASSES, WordClasses

pytestmark = pytest.mark.usefixtures("one_thread")
DETERMINERS, NOUNS, VERBS = ("the", "this", "some"), ("dog", "cat", "King", "bear"), ("sees", "eats", "hears")
DIGITS = str.maketrans("0123456789", "abcdefghij")  # words are of letters


def text_of_sentences(seed: int = 0) -> np.ndarray:
    """Sentences in which a noun stands where any other could stand: (N,) uint8."""
    chance = np.random.default_rng(seed)
    names = [f"{a}{b}" for a in "bcdfghjk" for b in ("ax", "ex", "ix", "ox", "ux", "yx", "ay", "oy", "uy")]
    words = []
    for _ in range(6_000):
        words += [*chance.choice(names, 2), chance.choice(DETERMINERS), chance.choice(NOUNS), chance.choice(VERBS)]
    return np.frombuffer(" ".join(words).encode(), dtype=np.uint8)


def classes_before(text: bytes, classes: WordClasses, back: int = 0) -> list[int]:
    """The class of the word ``back`` + 1 before each byte of a text."""
    x = torch.tensor([list(b"\n" + text)])
    return classes.before(words_of(x, 3), back)[0, 1:].tolist()


def class_of(word: str, classes: WordClasses) -> int:
    return classes_before(f"{word} ".encode(), classes)[-1]


@pytest.fixture(scope="module")
def classes() -> WordClasses:
    return WordClasses(text_of_sentences())


def test_words_that_keep_the_same_company_are_in_one_class() -> None:
    # more words than classes: each of the most frequent ones begins as a class of its own
    chance = np.random.default_rng(0)
    before, after = [f"a{i:03}".translate(DIGITS) for i in range(70)], [f"z{i:03}".translate(DIGITS) for i in range(70)]
    words = []
    for _ in range(20_000):
        kind = int(chance.integers(2))
        words += [before[int(chance.integers(35)) + 35 * kind], after[int(chance.integers(35)) + 35 * kind]]
    learned = WordClasses(np.frombuffer(" ".join(words).encode(), dtype=np.uint8))
    of_kind = [
        {class_of(word, learned) for word in part} for part in (before[:35], before[35:], after[:35], after[35:])
    ]
    for number, some in enumerate(of_kind):
        for others in of_kind[number + 1 :]:
            assert not some & others


def test_case_does_not_matter(classes: WordClasses) -> None:
    assert class_of("king", classes) == class_of("KING", classes) < NUM_CLASSES


def test_a_word_without_a_class_is_in_that_of_its_ending(classes: WordClasses) -> None:
    assert class_of("walking", classes) == class_of("talking", classes) >= NUM_CLASSES
    assert class_of("walking", classes) != class_of("walked", classes)


def test_words_further_back(classes: WordClasses) -> None:
    text = b"the dog sees "
    assert classes_before(text, classes, 1)[-1] == class_of("dog", classes)
    assert classes_before(text, classes, 2)[-1] == class_of("the", classes)


def test_the_same_text_gives_the_same_classes(classes: WordClasses) -> None:
    again = WordClasses(text_of_sentences())
    assert torch.equal(classes.hashes, again.hashes)
    assert torch.equal(classes.classes, again.classes)


@pytest.mark.parametrize("text", [b"", b"1234 ... 99", b"word", b"two words", bytes(range(256)) * 20], ids=repr)
def test_texts_of_few_words_or_none(text: bytes) -> None:
    learned = WordClasses(np.frombuffer(text, dtype=np.uint8))
    assert all(found >= 0 for found in classes_before(b"two words here", learned))


def test_contexts_need_the_word_so_far_and_every_class(classes: WordClasses) -> None:
    def keys(text: bytes) -> list[int]:
        words = words_of(torch.tensor([list(text)]), 3)
        found = class_contexts(words, [classes.before(words, back) for back in range(3)])
        return [int(key[0, -1]) for key in found]

    two, three = keys(b"\nthe dog sees so")
    assert keys(b"\nthe dog sees so") == keys(b".  the dog sees so")
    assert [key == 0 for key in keys(b"dog sees so")] == [True, True]  # "dog" may be the end of another word
    assert [key == 0 for key in keys(b" dog sees so")] == [False, True]
    assert keys(b"\nthe dog sees no")[0] != two
    assert keys(b"\nwalking dog sees so")[0] == two
    assert keys(b"\nwalking dog sees so")[1] != three

"""Windows of text: shuffled ones to train on, fixed ones to measure with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bardtune.data.windows import evaluation_windows, shuffled_offsets, windows_at

COUNTED = np.arange(200, dtype=np.uint8)  # each byte says where it stands


def batches(seed: int, count: int, *, context_bytes: int = 8) -> list[np.ndarray]:
    """What the first steps of a run train on."""
    offsets = (
        shuffled_offsets(COUNTED, batch_size=3, seed=seed, step=step, context_bytes=context_bytes)
        for step in range(count)
    )
    return [windows_at(COUNTED, begin, context_bytes=context_bytes) for begin in offsets]


def test_same_seed_same_windows() -> None:
    assert np.array_equal(batches(seed=1, count=5), batches(seed=1, count=5))


def test_different_seeds_give_different_windows() -> None:
    assert not np.array_equal(batches(seed=1, count=5), batches(seed=2, count=5))


def test_a_stream_goes_on_changing() -> None:
    first, second = batches(seed=1, count=2)
    assert not np.array_equal(first, second)


def test_steps_may_be_asked_for_in_any_order() -> None:
    def at(step: int) -> list[int]:
        return shuffled_offsets(COUNTED, batch_size=3, seed=1, step=step, context_bytes=8).flatten().tolist()

    forwards = [at(step) for step in range(40)]
    assert [at(step) for step in reversed(range(40))] == forwards[::-1]


@given(num_bytes=st.integers(10, 200), batch_size=st.integers(1, 40), context_bytes=st.integers(1, 9))
def test_an_epoch_visits_each_window_once(num_bytes: int, batch_size: int, context_bytes: int) -> None:
    split = COUNTED[:num_bytes]
    num_windows = max(1, (num_bytes - context_bytes) // context_bytes)
    steps = -(-2 * num_windows // batch_size)
    offsets = np.concatenate(
        [
            shuffled_offsets(split, batch_size=batch_size, seed=3, step=step, context_bytes=context_bytes)
            for step in range(steps)
        ]
    ).flatten()
    assert offsets.min() >= 0
    assert offsets.max() + context_bytes < num_bytes  # the last input has a next byte
    for epoch in range(2):
        of_epoch = np.sort(offsets[epoch * num_windows : (epoch + 1) * num_windows])
        assert (np.diff(of_epoch) == context_bytes).all()


def test_epochs_begin_at_places_of_their_own() -> None:
    num_windows = (200 - 8) // 8
    begins = {
        int(shuffled_offsets(COUNTED, batch_size=num_windows, seed=1, step=epoch, context_bytes=8).min())
        for epoch in range(20)
    }
    assert len(begins) > 4


def test_no_global_generator_is_touched() -> None:
    before = np.random.get_state()[1].tolist()
    batches(seed=1, count=3)
    assert np.random.get_state()[1].tolist() == before


def test_a_batch_of_windows_holds_the_context_and_one_byte_more() -> None:
    (windows,) = batches(seed=1, count=1)
    assert windows.shape == (3, 9)
    assert windows.dtype == np.uint8


def test_the_usual_window_has_256_bytes_of_context() -> None:
    text = np.zeros(1000, dtype=np.uint8)
    offsets = shuffled_offsets(text, batch_size=2, seed=0, step=0)
    assert windows_at(text, offsets).shape == (2, 257)
    assert evaluation_windows(text).shape == (3, 257)


def test_each_target_is_the_byte_after_its_input() -> None:
    for windows in batches(seed=1, count=20):
        x, y = windows[:, :-1], windows[:, 1:]
        assert np.array_equal(x + 1, y)


@given(context_bytes=st.integers(1, 12), spare=st.integers(1, 4))
def test_every_offset_is_reached_and_none_beyond_the_end(context_bytes: int, spare: int) -> None:
    split = COUNTED[: context_bytes + spare]
    offsets = shuffled_offsets(split, batch_size=200, seed=0, step=0, context_bytes=context_bytes)
    starts = set(offsets.flatten().tolist())
    assert starts == set(range(spare))  # the last of them ends at the last byte of the split


@given(length=st.integers(2, 300), context_bytes=st.integers(1, 40))
def test_evaluation_windows_predict_each_byte_once(length: int, context_bytes: int) -> None:
    length = max(length, context_bytes + 1)
    windows = evaluation_windows(np.arange(length, dtype=np.int32), context_bytes=context_bytes)
    predicted = windows[:, 1:].ravel()
    assert np.array_equal(predicted, np.arange(1, len(predicted) + 1))
    assert length - 1 - len(predicted) < context_bytes  # what is left out would not fill a window


@given(length=st.integers(9, 300))
def test_evaluation_windows_do_not_share_an_input(length: int) -> None:
    windows = evaluation_windows(np.arange(length, dtype=np.int32), context_bytes=8)
    assert np.array_equal(windows[:, :-1].ravel(), np.arange(len(windows) * 8))


@given(num_windows=st.integers(1, 120), at_most=st.integers(1, 150))
def test_a_subset_of_windows_is_fixed_and_spread_evenly(num_windows: int, at_most: int) -> None:
    split = np.arange(num_windows * 4 + 1, dtype=np.int32)
    chosen = evaluation_windows(split, at_most=at_most, context_bytes=4)
    starts = chosen[:, 0] // 4
    gaps = np.diff(np.append(starts, num_windows))
    assert len(chosen) == min(at_most, num_windows)
    assert starts[0] == 0
    assert gaps.max() - gaps.min() <= 1
    assert np.array_equal(chosen, evaluation_windows(split, at_most=at_most, context_bytes=4))
    assert np.array_equal(chosen, evaluation_windows(split, context_bytes=4)[starts])


@pytest.mark.parametrize("at_most", [3, 4, None])
def test_a_subset_as_large_as_the_whole_is_the_whole(at_most: int | None) -> None:
    split = COUNTED[:13]
    assert evaluation_windows(split, at_most=at_most, context_bytes=4)[:, 0].tolist() == [0, 4, 8]

"""The compiled loops give what the operations give, to the last bit; and a run is the same without them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bardtune.data.corpus import Corpus
from bardtune.model.counting.experts import CountExperts, Evidence
from bardtune.model.counting.loops import AT_ONCE, compiled, in_threads, take_rows
from bardtune.model.settings import TrialSettings
from support.small_models import random_bytes
from support.training import train

pytest.importorskip("numba", reason="numba is not installed: there is nothing to compare with")
MakeSettings = Callable[..., TrialSettings]
TEXT = np.random.default_rng(0).choice(np.frombuffer(b"aabcde ,\n", dtype=np.uint8), 50_000)
EXPERTS = [
    {"count_max_order": 8, "count_words": 3, "window_max_order": 5, "window_words": 1, "count_skips": 1},
    {"count_max_order": 3, "count_words": 0, "window_max_order": 0, "window_words": 0},
    {"count_max_order": 0, "count_words": 2, "window_max_order": 0, "window_words": 2, "count_suffixes": 2},
    {"count_max_order": 0, "count_words": 0, "window_max_order": 7, "window_words": 0},
]


@contextmanager
def without_numba() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("experts", "counts"):
            patch.setattr(f"bardtune.model.counting.{module}.compiled", lambda loop: None)
        yield


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def windows(offsets: list[int]) -> tuple[Tensor, Tensor]:
    positions = torch.tensor(offsets)[:, None] + torch.arange(200)
    return torch.from_numpy(TEXT.astype(np.int64))[positions], positions


def assert_same(experts: CountExperts, x: Tensor, positions: Tensor | None) -> Evidence:
    by_loops = experts.evidence(x, positions)
    with without_numba():
        by_operations = experts.evidence(x, positions)
    assert torch.equal(by_loops.log_p, by_operations.log_p)
    assert torch.equal(by_loops.confidence, by_operations.confidence)
    return by_loops


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT[:2],
        TEXT[:25],  # hardly a byte for each fold
        np.zeros(1_000, np.uint8),
        random_bytes(3, 2_000, seed=0).numpy().astype(np.uint8).flatten(),
        np.tile(np.arange(255, -1, -1, dtype=np.uint8), 40),
    ],
    ids=["words", "two bytes", "short", "one value", "noise", "falling"],
)
def test_the_tables_are_the_same_whoever_counts(text: np.ndarray, tiny_settings: MakeSettings) -> None:
    made = []
    for counting in (nullcontext, without_numba):
        experts = CountExperts(tiny_settings(**EXPERTS[0]))
        with counting():
            experts.learn(text)
        tables = experts.tables
        assert tables is not None
        parts = [tables.entries, tables._groups, tables._group_of, tables.dense, *tables._keys, *tables._totals_start]
        made.append([(part.dtype, part) for part in parts])
    for (kind, one), (other_kind, other) in zip(*made, strict=True):
        assert kind == other_kind
        assert torch.equal(one, other)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("changes", EXPERTS, ids=["all", "orders", "words", "window"])
@pytest.mark.parametrize("dense_rows", [3, 1 << 16])
def test_loops_and_operations_agree_to_the_last_bit(
    changes: dict[str, int], dense_rows: int, tiny_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bardtune.model.counting.counts.DENSE_ROWS", dense_rows)
    monkeypatch.setattr("bardtune.model.counting.counts.MOST_COUNTED_BYTES", 45_000)
    experts = CountExperts(tiny_settings(**changes, count_dropout=0.3))
    experts.learn(TEXT)
    x, positions = windows([0, 17, 20_000, 44_900, 49_000])  # the last two lie across and beyond what is counted
    in_training = assert_same(experts, x, positions)
    in_scoring = assert_same(experts, x, None)
    if changes["count_max_order"] or changes["count_words"]:
        assert not torch.equal(in_training.log_p, in_scoring.log_p)
    assert_same(experts, random_bytes(3, 64), None)  # bytes that the text has never shown
    assert_same(experts, x[:1, :1], None)


def test_the_operations_are_not_used_where_loops_are(tiny_settings: MakeSettings) -> None:
    experts = CountExperts(tiny_settings(**EXPERTS[0]))
    experts.learn(TEXT)
    experts._by_operations = None  # type: ignore[method-assign, assignment]
    experts.evidence(*windows([5]))


@pytest.mark.usefixtures("threads")
def test_windows_are_shared_by_all_threads(tiny_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = set()

    def watched(work: Callable[[slice], None], length: int, **named: int) -> None:
        def noted(here: slice) -> None:
            workers.add(threading.get_ident())
            work(here)

        in_threads(noted, length, **named)

    monkeypatch.setattr("bardtune.model.counting.experts.in_threads", watched)
    experts = CountExperts(tiny_settings(**EXPERTS[0]))
    experts.learn(TEXT)
    experts.evidence(*windows([0, 1_000, 2_000, 3_000]))
    assert len(workers) == torch.get_num_threads()


@pytest.mark.usefixtures("one_thread")
def test_a_run_is_the_same_without_numba(tiny_settings: MakeSettings, tiny_corpus: Corpus) -> None:
    settings = tiny_settings(**EXPERTS[0], count_dropout=0.1)

    def reports() -> list[tuple[int, float]]:
        return [(each.step, each.val_bpb) for each in train(settings, tiny_corpus, num_steps=10)]

    with_numba = reports()
    with without_numba():
        assert reports() == with_numba


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("num_positions", [1, AT_ONCE, 5 * AT_ONCE + 3])
def test_each_position_is_worked_on_once(num_positions: int) -> None:
    worked: list[int] = []
    in_threads(lambda here: worked.extend(range(num_positions)[here]), num_positions)
    assert sorted(worked) == list(range(num_positions))


@pytest.mark.usefixtures("threads")
def test_what_goes_wrong_in_a_thread_is_raised() -> None:
    def work(here: slice) -> Any:
        raise ValueError(here)

    with pytest.raises(ValueError, match="slice"):
        in_threads(work, 4 * AT_ONCE)


def test_a_cache_that_was_torn_or_cannot_be_written_costs_a_compilation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    groups = np.arange(10, dtype=np.int32).reshape(2, 5)

    def rows() -> list[int]:
        found = np.empty((1, 1, 5), dtype=np.int32)
        loop = compiled.__wrapped__(take_rows)
        loop(groups, np.array([[0, 1]], dtype=np.int32), np.array([[True]]), np.array([1]), found)
        return list(found[0, 0])

    expected = rows()
    (index,) = tmp_path.rglob("*.nbi")
    for torn in (b"", bytes(100)):  # as a power failure may leave it
        index.write_bytes(torn)
        assert rows() == expected == [5, 6, 7, 8, 9]
    index.unlink()
    index.mkdir()
    assert rows() == expected

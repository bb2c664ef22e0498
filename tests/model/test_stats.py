"""The figures of a run: stored and read back, whatever another version or program has stored."""

import json
from typing import Any

import pytest

from bardtune.model.training.stats import RunStats, stats_from

STORED = {
    "num_params": 284688,
    "steps": 68,
    "bytes_seen": 139264,
    "bytes_per_s": 34949,
    "seconds": {"setup": 1.2391, "train": 3.9848, "evaluate": 4.141, "checkpoint": 0.0443},
    "cpu_ratio": 1.961,
    "peak_memory_bytes": 416903168,
    "threads": 2,
    "host": "elsinore",
    "cpu": "AMD EPYC, avx2",
    "starved": False,
}


def test_what_studies_have_stored_is_read_and_stored_again_as_it_was() -> None:
    assert json.dumps(stats_from(STORED).as_dict()) == json.dumps(STORED)


def test_what_is_not_known_is_not_stored() -> None:
    assert RunStats().as_dict() == {}
    assert RunStats(steps=0, starved=False).as_dict() == {"steps": 0, "starved": False}


@pytest.mark.parametrize("stored", [None, [], "stats", 3, {}, {"a figure of another version": 1}])
def test_what_holds_no_figure_is_read_as_nothing_known(stored: object) -> None:
    assert stats_from(stored) == RunStats()


@pytest.mark.parametrize(
    ("name", "strange", "read"),
    [
        ("steps", "many", None),
        ("steps", True, None),
        ("steps", -1, None),
        ("steps", 10**400, None),
        ("steps", 12.0, 12),
        ("cpu_ratio", float("nan"), None),
        ("cpu_ratio", float("inf"), None),
        ("cpu_ratio", 2, 2),
        ("starved", "no", None),
        ("host", 7, None),
        ("seconds", [1.0], {}),
        ("seconds", {"train": "long", "setup": 1.5, "evaluate": float("nan")}, {"setup": 1.5}),
    ],
)
def test_a_figure_of_the_wrong_kind_is_not_known(name: str, strange: Any, read: Any) -> None:
    stats = stats_from({**STORED, name: strange})
    assert getattr(stats, name) == read
    assert stats.threads == 2


def test_parameters_are_also_counted_in_millions() -> None:
    assert RunStats(num_params=284688).million_params == 0.284688
    assert RunStats().million_params is None

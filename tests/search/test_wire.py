"""What crosses the pipe to a worker arrives as it was sent."""

import math
from pathlib import Path
from typing import get_args

import pytest

from bardtune.search.launch.protocol import (
    Ended,
    Heartbeat,
    Measured,
    Order,
    Placed,
    RunEvent,
    RunOrder,
    ScoreOrder,
    StopOrder,
)
from bardtune.search.launch.wire import decode_event, decode_order, encode

ORDERS: list[Order] = [
    RunOrder(
        run_id="search-0001",
        settings={"d_model": 16, "learning_rate": 3e-3, "position": "rope", "tied": True, "fraction": 0.1 + 0.2},
        corpus="Sonnets – 1609.txt",
        corpus_sha256="ab12",
        checkpoint=Path("/home/will/a folder/run.pt"),
        weights=Path("run.safetensors"),
        limit_s=12.5,
    ),
    ScoreOrder(run_id="baseline-0000", weights=Path("/w"), corpus="shakespeare", corpus_sha256="0", limit_s=1.0),
    StopOrder(run_id="search-0001", ending="pruned"),
]
EVENTS: list[RunEvent] = [
    Placed(run_id="search-0001", node=3),
    Heartbeat(run_id="search-0001", step=7, elapsed_s=0.1 + 0.2),
    Measured(run_id="search-0001", percent=10, step=7, elapsed_s=1.0, val_bpb=2.1, final=False),
    Measured(run_id="search-0001", percent=10, step=7, elapsed_s=1.0, val_bpb=math.inf, final=True),
    Ended(run_id="search-0001", ending="interrupted"),
    Ended(
        run_id="baseline-0000",
        ending="finished",
        reason="two\nlines",
        val_bpb=2.0,
        test_bpb=2.1,
        stats={"steps": 9, "seconds": {"train": 1.5}, "starved": False, "cpu": None},
    ),
]


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_arrives_as_it_was_sent(order: Order) -> None:
    assert encode(order).count(b"\n") == 1  # a line is a message
    assert decode_order(encode(order)) == order


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_arrives_as_it_was_sent(event: RunEvent) -> None:
    assert encode(event).count(b"\n") == 1
    assert decode_event(encode(event)) == event


def test_no_type_is_left_out_above() -> None:
    assert set(map(type, ORDERS)) == set(get_args(Order))
    assert set(map(type, EVENTS)) == set(get_args(RunEvent))


def test_a_diverged_bpb_arrives_as_no_number() -> None:
    sent = Measured(run_id="search-0001", percent=10, step=7, elapsed_s=1.0, val_bpb=math.nan, final=False)
    received = decode_event(encode(sent))
    assert isinstance(received, Measured)
    assert math.isnan(received.val_bpb)


def test_an_order_is_not_taken_for_an_event() -> None:
    with pytest.raises(KeyError, match="StopOrder"):
        decode_event(encode(StopOrder(run_id="search-0001", ending="pruned")))

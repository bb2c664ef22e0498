"""The four rules of a legal model, as checks that raise AssertionError. B windows, T positions, V = 256.

Any module that maps x (B, T) to logits (B, T, V), and (x, y) to the mean cross-entropy in nats, can be
checked. Give it weights that matter first (``small_models.randomize``): where all is zero, no leak shows.

On tolerances. Rule 1 compares passes of one shape, in which a later byte may only ever be multiplied by an
attention weight of exactly 0, so it asks for equal bits, in bfloat16 too. Rules 3 and 4 compare passes of
different shapes, and a matrix library may sum in another order for another shape: they allow rounding, and no
more, in the mean over a window.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bardtune.data.corpus import CONTEXT_BYTES, VOCAB_SIZE
from support.small_models import random_bytes

# Cuts at both ends of a window and at the edges of the blocks that an attention kernel may work in.
CUTS = (0, 1, 31, 32, 127, CONTEXT_BYTES - 2)
AT_ONCE = 16  # possible next bytes that are graded together
ROUNDING_NATS = {"fp32": 2e-5, "bf16": 1e-2}  # of the mean loss of a window


def check_later_bytes_do_not_matter(model: nn.Module) -> None:
    """Rule 1, x: bytes after t leave the log-probabilities up to t as they were, to the bit."""
    x = random_bytes(2, CONTEXT_BYTES, seed=1)
    before = _log_probabilities(model, x)
    for cut in CUTS:
        for name, changed in (
            ("all bytes after", _with_other_bytes(x, slice(cut + 1, None))),
            ("the byte after", _with_other_bytes(x, slice(cut + 1, cut + 2))),
        ):
            after = _log_probabilities(model, changed)
            assert torch.equal(after[:, : cut + 1], before[:, : cut + 1]), f"{name} {cut} changed the past"


def check_no_value_of_the_next_byte_matters(model: nn.Module) -> None:
    """Rule 1, x: no next byte of all 256 is seen, not even by a model that waits for a certain one."""
    x = random_bytes(VOCAB_SIZE, 16, seed=13)
    before = _log_probabilities(model, x)
    for cut in (0, 9):
        changed = x.clone()
        changed[:, cut + 1] = torch.arange(VOCAB_SIZE)
        after = _log_probabilities(model, changed)
        seen = (after != before)[:, : cut + 1].flatten(1).any(1).nonzero().flatten().tolist()
        assert not seen, f"before byte {cut + 1} the model knows whether it will be one of {seen}"


def check_each_byte_matters(model: nn.Module) -> None:
    """The power of rule 1: byte t does change the prediction at t, so an unchanged past says something."""
    x = random_bytes(2, CONTEXT_BYTES, seed=1)
    before = _log_probabilities(model, x)
    for cut in CUTS:
        after = _log_probabilities(model, _with_other_bytes(x, slice(cut, cut + 1)))
        moved = (after[:, cut] - before[:, cut]).abs().amax(-1)
        assert moved.min() > 1e-3, f"byte {cut} does not matter to its own prediction"


def check_later_targets_do_not_matter(model: nn.Module) -> None:
    """Rule 1, y: targets after t leave the loss of the positions up to t as it was."""
    x, y = random_bytes(2, 16, seed=2), random_bytes(2, 16, seed=3)
    log_probabilities = _log_probabilities(model, x)
    for cut in (0, 7, 14):
        past = []
        for targets in (y, _with_other_bytes(y, slice(cut + 1, None))):
            nats = -log_probabilities.gather(-1, targets[..., None])[..., 0]
            past.append(_mean_loss(model, x, targets) * y.numel() - float(nats[:, cut + 1 :].sum()))
        assert math.isclose(*past, abs_tol=1e-3), f"targets after {cut} changed the loss up to it: {past}"


def check_probabilities_sum_to_one(model: nn.Module) -> None:
    """Rule 2: at each position, as logits say it; and the loss grades the possible next bytes as these do."""
    x = random_bytes(2, CONTEXT_BYTES, seed=4)
    sums = _log_probabilities(model, x).exp().sum(-1)
    assert (sums - 1).abs().max() < 1e-4, f"probabilities sum to {sums.min()} to {sums.max()}"
    last_bytes = x[:1, :1].expand(AT_ONCE, 1)
    told = _log_probabilities(model, last_bytes)
    for values in torch.arange(VOCAB_SIZE).view(-1, AT_ONCE, 1):
        graded, said = _mean_loss(model, last_bytes, values), -float(told.gather(-1, values[..., None]).mean())
        assert math.isclose(graded, said, rel_tol=1e-5), f"the bytes {values[:, 0]} are graded {graded}, not {said}"


def check_windows_do_not_see_each_other(model: nn.Module, *, precision: str = "fp32") -> None:
    """Rule 3, windows: the loss of a window depends on no other window, nor on their order or number."""
    x, y = random_bytes(6, CONTEXT_BYTES, seed=5), random_bytes(6, CONTEXT_BYTES, seed=6)
    alone = torch.tensor([_mean_loss(model, x[i : i + 1], y[i : i + 1]) for i in range(len(x))])
    for order in ([0, 1, 2, 3, 4, 5], [5, 3, 1, 4, 2, 0], [2, 0], [4, 4, 4, 1]):
        log_probabilities = _log_probabilities(model, x[order])
        together = -log_probabilities.gather(-1, y[order][..., None])[..., 0].mean(1)
        worst = (together - alone[order]).abs().max()
        assert worst < ROUNDING_NATS[precision], f"windows {order} together differ by {worst} nats from alone"


def check_nothing_outlives_a_call(model: nn.Module) -> None:
    """Rule 3, state: scoring, grading and a training pass without an update leave no trace, to the bit."""
    x, y = random_bytes(2, CONTEXT_BYTES, seed=7), random_bytes(2, CONTEXT_BYTES, seed=8)
    held = {name: value.clone() for name, value in model.state_dict().items()}
    first = _log_probabilities(model, x)
    for between in (x, random_bytes(3, CONTEXT_BYTES, seed=9)):
        _log_probabilities(model, between)
        _mean_loss(model, x, y)
        _training_pass(model, x, y)
        _training_pass(model, between, between)
        assert torch.equal(_log_probabilities(model, x), first), "an earlier call changed a later one"
    for name, value in model.state_dict().items():
        assert torch.equal(value, held[name]), f"a call without an update changed {name}"


def check_the_loss_is_the_gather(model: nn.Module) -> None:
    """Rule 4: ``model(x, y)`` is the mean of what ``model(x)`` says of y, for any y, training or not."""
    x = random_bytes(2, CONTEXT_BYTES, seed=10)
    log_probabilities = _log_probabilities(model, x)
    likeliest, unlikeliest = log_probabilities.argmax(-1), log_probabilities.argmin(-1)
    for y in (random_bytes(2, CONTEXT_BYTES, seed=11), x, likeliest, unlikeliest):
        expected = -float(log_probabilities.gather(-1, y[..., None]).double().mean())
        for mode in (False, True):
            graded = _mean_loss(model, x, y, training=mode)
            assert math.isclose(graded, expected, rel_tol=1e-5), f"loss {graded}, gather {expected}"


def check_one_window(model: nn.Module, x: Tensor, cut: int) -> None:
    """The four rules at once for one float32 window x (1, T) and a place 0 <= cut < T - 1 in it."""
    log_probabilities = _log_probabilities(model, x)
    past = _log_probabilities(model, _with_other_bytes(x, slice(cut + 1, None)))[:, : cut + 1]
    assert torch.equal(past, log_probabilities[:, : cut + 1]), f"bytes after {cut} changed the past"
    assert (log_probabilities.exp().sum(-1) - 1).abs().max() < 1e-4
    beside = _log_probabilities(model, torch.cat((_with_other_bytes(x, slice(None)), x)))[1:]
    assert (beside - log_probabilities).abs().max() < 1e-3, "another window changed this one"
    y = x.roll(-1, 1)
    expected = -float(log_probabilities.gather(-1, y[..., None]).double().mean())
    assert math.isclose(_mean_loss(model, x, y), expected, rel_tol=1e-5)


CHECKS = (
    check_later_bytes_do_not_matter,
    check_no_value_of_the_next_byte_matters,
    check_later_targets_do_not_matter,
    check_probabilities_sum_to_one,
    check_windows_do_not_see_each_other,
    check_nothing_outlives_a_call,
    check_the_loss_is_the_gather,
)


def _with_other_bytes(x: Tensor, positions: slice) -> Tensor:
    """x (B, T) with every byte at ``positions`` replaced by another one."""
    changed = x.clone()
    shift = 1 + random_bytes(*changed[:, positions].shape, seed=12) % (VOCAB_SIZE - 1)
    changed[:, positions] = (changed[:, positions] + shift) % VOCAB_SIZE
    return changed


@torch.no_grad()
def _log_probabilities(model: nn.Module, x: Tensor) -> Tensor:
    """(B, T) to (B, T, V), float32."""
    model.eval()
    return F.log_softmax(model(x).float(), dim=-1)


@torch.no_grad()
def _mean_loss(model: nn.Module, x: Tensor, y: Tensor, *, training: bool = False) -> float:
    model.train(training)
    return float(model(x, y))


def _training_pass(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Forward and backward as the trainer does them, with no update after it."""
    model.train()
    loss = model(x, y)
    if loss.requires_grad:
        loss.backward()
    model.zero_grad(set_to_none=True)

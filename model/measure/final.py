"""The one place that reads the test part: the weights that a study ends with, scored once."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bardtune.data.corpus import Corpus
from bardtune.data.windows import evaluation_windows
from bardtune.model.measure.ruler import evaluate, say_nothing
from bardtune.model.network.weights import read_weights, trained_model


class FinalScores(NamedTuple):
    """Bits per byte of one model."""

    val_bpb: float  # as the run has reported it, or the weights are not the run's
    test_bpb: float


def score_weights(path: Path, corpus: Corpus, *, on_share: Callable[[float], None] = say_nothing) -> FinalScores:
    """Score what a run has left, on the whole validation part and on the whole test part.

    Args:
        path: of the weights.
        corpus: that the run has learned from.
        on_share: told again and again what part is done, 0 to 1.

    Raises:
        WeightsError: the weights are not there, or damaged.
    """
    model = trained_model(read_weights(path))
    model.learn_counts(corpus.train)
    return FinalScores(
        val_bpb=evaluate(model, evaluation_windows(corpus.validation), on_share=lambda share: on_share(share / 2)),
        test_bpb=evaluate(model, evaluation_windows(corpus.test), on_share=lambda share: on_share((1 + share) / 2)),
    )

"""One training run: what it reports, what it spends, how it ends and how it goes on.

Most runs here train for real, but on a clock that moves only with the model: they are the same each time.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from bardtune.data.corpus import Corpus, corpus_of
from bardtune.data.windows import evaluation_windows
from bardtune.model.counting.experts import CountExperts
from bardtune.model.measure.ruler import evaluate
from bardtune.model.network.gpt import GPT
from bardtune.model.presets import preset
from bardtune.model.settings import TrialSettings
from bardtune.model.training.checkpoint import CheckpointFile
from bardtune.model.training.clock import TrainingClock
from bardtune.model.training.trainer import Progress, StepAction, TrainingRun
from support.fakes import text_of
from support.small_models import assert_equal_states
from support.training import train

pytestmark = pytest.mark.usefixtures("one_thread")
MakeSettings = Callable[..., TrialSettings]
BeginRun = Callable[..., TrainingRun]  # see conftest.py: 20 seconds, a second for each step


def at_step(number: int, verdict: StepAction) -> Callable[[int, float], StepAction]:
    return lambda step, spent_s: verdict if step == number else StepAction.GO_ON


def percents(events: Iterator[Progress]) -> list[int]:
    return [progress.percent for progress in events]


# Reports


def test_a_run_reports_at_each_tenth_of_its_budget(begin_run: BeginRun) -> None:
    assert percents(begin_run().events()) == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]


def test_a_report_says_the_step_and_the_seconds_it_was_made_at(begin_run: BeginRun) -> None:
    heard = [(progress.step, progress.elapsed_s) for progress in begin_run().events()]
    assert heard == [(step, float(step)) for step in range(2, 22, 2)]


def test_a_slow_step_skips_the_tenths_it_runs_over(begin_run: BeginRun) -> None:
    assert percents(begin_run(step_s=7.0).events()) == [30, 70, 100]


def test_only_the_last_report_is_final(begin_run: BeginRun) -> None:
    finals = [progress.final for progress in begin_run().events()]
    assert finals == [False] * 9 + [True]


def test_the_final_value_is_measured_on_the_whole_validation_part_and_others_on_a_fixed_subset(
    begin_run: BeginRun, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bardtune.model.training.trainer.INTERMEDIATE_WINDOWS", 1)
    run = begin_run()
    for progress in run.events():
        windows = evaluation_windows(tiny_corpus.validation, at_most=None if progress.final else 1)
        assert progress.val_bpb == evaluate(run.model, windows)


def test_a_run_tells_what_it_has_done_and_taken(begin_run: BeginRun) -> None:
    (*_, last) = begin_run().events()
    assert last.stats.steps == 20
    assert last.stats.bytes_seen == 20 * 2 * 256
    assert last.stats.bytes_per_s == 512
    assert last.stats.num_params == 6352  # 4096 embedding, 1088 attention, 1072 feed-forward, 96 norms
    assert last.stats.seconds["train"] == 20.0
    assert last.stats.peak_memory_bytes > 2**20


def test_training_learns(begin_run: BeginRun) -> None:
    (*_, last) = begin_run(budget_s=150.0).events()
    assert last.val_bpb < 5.0  # 8 is a blind guess; the text has 26 common bytes


def test_equal_settings_are_an_equal_run(begin_run: BeginRun) -> None:
    first, second, other = ([p.val_bpb for p in begin_run(seed=seed).events()] for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_gradients_stay_on_for_the_listener(begin_run: BeginRun) -> None:
    run = begin_run()
    for _ in run.events():
        assert torch.is_grad_enabled()
        assert run.model.training


# The budget


@pytest.mark.parametrize(("step_s", "steps"), [(1.0, 20), (3.0, 6), (10.0, 2), (11.0, 1), (30.0, 1)])
def test_a_step_that_would_overrun_the_budget_is_not_begun_except_the_first(
    step_s: float, steps: int, begin_run: BeginRun
) -> None:
    (*_, last) = begin_run(step_s=step_s).events()
    assert (last.step, last.percent, last.final) == (steps, 100, True)


def test_scoring_is_not_charged(begin_run: BeginRun) -> None:
    (*_, last) = begin_run().events()
    assert last.elapsed_s == 20.0
    assert last.stats.seconds["evaluate"] == 10 * 100.0


def test_a_real_run_keeps_its_budget(tiny_corpus: Corpus, tiny_settings: MakeSettings) -> None:
    spent = [0.0]

    def listen(step: int, spent_s: float) -> StepAction:
        spent.append(spent_s)
        return StepAction.GO_ON

    (*_, last) = train(tiny_settings(budget_s=0.3), tiny_corpus, on_step=listen)
    assert last.step == len(spent) - 1
    assert spent[-2] <= 0.3  # the last step began within the budget
    assert last.elapsed_s == spent[-1] >= 0.15  # and a run stops early by no more than its longest step


def test_the_learning_rate_follows_the_budget_and_not_the_steps(begin_run: BeginRun) -> None:
    run = begin_run(step_s=4.0, schedule="linear", warmup=0.0, learning_rate=0.01)
    heard = [run.optimizers.optimizers[0].param_groups[0]["lr"] for _ in run.events()]
    assert heard == pytest.approx([0.01, 0.008, 0.006, 0.004, 0.002])


def test_the_schedule_begins_with_the_first_step_whatever_counting_has_spent(begin_run: BeginRun) -> None:
    run = begin_run(step_s=4.0, schedule="linear", warmup=0.0, learning_rate=0.01)
    run.clock.seconds["train"] = 10.0  # half of the budget
    heard = [run.optimizers.optimizers[0].param_groups[0]["lr"] for _ in run.events()]
    assert heard == pytest.approx([0.01, 0.006, 0.006])  # two steps; the last report makes none


def test_the_warm_up_pass_leaves_no_trace(
    tiny_corpus: Corpus, tiny_settings: MakeSettings, begin_run: BeginRun
) -> None:
    run = begin_run(optimizer="muon", count_max_order=4, window_max_order=3)
    untouched = GPT(run.settings, torch.Generator().manual_seed(run.settings.seed))
    assert_equal_states(run.model.state_dict(), untouched.state_dict())
    assert all(parameter.grad is None for parameter in run.model.parameters())
    assert (run.steps, run.clock.spent_s) == (0, 0.0)
    assert run.clock.seconds["setup"] > 0.0


# To stop


def test_to_stop_a_run_stop_listening(begin_run: BeginRun) -> None:
    run = begin_run()
    with closing(run.events()) as events:
        assert next(events).percent == 10
    assert list(events) == []
    assert run.steps == 2


def test_the_listener_is_asked_after_every_step(begin_run: BeginRun) -> None:
    asked: list[tuple[int, float]] = []

    def listen(step: int, spent_s: float) -> StepAction:
        asked.append((step, spent_s))
        return StepAction.GO_ON

    list(begin_run(on_step=listen).events())
    assert asked == [(step, float(step)) for step in range(1, 21)]


@pytest.mark.parametrize("verdict", [StepAction.STOP, StepAction.SAVE_AND_STOP])
def test_a_run_told_to_stop_ends_without_a_final_report(verdict: StepAction, begin_run: BeginRun) -> None:
    run = begin_run(on_step=at_step(7, verdict))
    assert percents(run.events()) == [10, 20, 30]
    assert run.steps == 7


def test_stop_saves_nothing(begin_run: BeginRun, tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "run.pt", "this run")
    list(begin_run(checkpoint=file, on_step=at_step(1, StepAction.STOP)).events())  # before it is saved at 10 %
    assert not file.path.exists()


# Divergence


def test_a_loss_that_is_no_number_ends_the_run_as_diverged(
    begin_run: BeginRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin_run()
    losses = iter([3.0, 2.9, 2.8, math.nan, 2.7])
    monkeypatch.setattr(run, "_forward_backward", lambda offsets: next(losses))
    run.clock.now = iter(range(10**6)).__next__
    *_, last = run.events()
    assert (last.val_bpb, last.diverged, last.final, last.step) == (math.inf, True, False, 4)
    assert last.percent % 10 == 0


def test_a_loss_that_is_no_number_moves_no_weight(begin_run: BeginRun) -> None:
    run = begin_run()
    with torch.no_grad():
        run.model.head.weight[65] = math.inf
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    assert [progress.diverged for progress in run.events()] == [True]
    assert_equal_states(run.model.state_dict(), before)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_measurement_that_is_no_number_ends_the_run_as_diverged(
    value: float, begin_run: BeginRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = iter([5.0, 4.0, value, 3.0])
    monkeypatch.setattr("bardtune.model.training.trainer.evaluate", lambda model, windows, on_share: next(measured))
    heard = [(progress.percent, progress.val_bpb, progress.diverged) for progress in begin_run().events()]
    assert heard == [(10, 5.0, False), (20, 4.0, False), (30, math.inf, True)]


# Any text


def any_text(name: str) -> bytes:
    rng = np.random.default_rng(0)
    return {
        "random": rng.integers(256, size=65_536).astype(np.uint8).tobytes(),
        "all values": b"".join(bytes([byte]) * 3 + b" of all bytes. " for byte in range(256)) * 45,
        "200 KiB": text_of(200 * 1024),
        "one value": b"a" * 6_000,
        "shortest": (b"to be, or not to be: " * 300)[:5_140],
    }[name]


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("random", 7.9, 8.1),
        ("all values", 0.0, 2.0),
        ("200 KiB", 0.58, 1.0),  # ten words drawn evenly: 0.58 bits for each of their 5.7 bytes
        ("one value", 0.0, 2.0),
        ("shortest", 0.0, 4.0),
    ],
)
def test_the_modern_preset_learns_any_text_and_predicts_no_chance(name: str, lowest: float, highest: float) -> None:
    small = {"d_model": 32, "d_ff": 64, "batch_size": 4, "precision": "fp32"}
    (*_, last) = train(preset("modern", budget_s=60.0, seed=0, **small), corpus_of(name, any_text(name)), num_steps=10)
    assert lowest <= last.val_bpb < highest


def test_a_run_tells_the_model_where_its_windows_stand(
    begin_run: BeginRun, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin_run(count_max_order=3, ensemble_size=2)
    heard = []
    backward = run.model.backward

    def listen(x: torch.Tensor, y: torch.Tensor, positions: torch.Tensor) -> float:
        heard.append((x, y, positions))
        return backward(x, y, positions)

    monkeypatch.setattr(run.model, "backward", listen)
    next(run.events())
    text = torch.from_numpy(tiny_corpus.train.astype(np.int64))
    assert heard
    for x, y, positions in heard:
        assert len(x) == 2 * run.settings.batch_size
        assert torch.equal(text[positions], x)
        assert torch.equal(text[positions + 1], y)


def test_counting_the_text_is_paid_for(tiny_corpus: Corpus, tiny_settings: MakeSettings) -> None:
    run = TrainingRun(tiny_settings(count_max_order=6, count_words=2), tiny_corpus)
    assert run.build_s > 0.001
    assert run.clock.spent_s == run.build_s
    assert TrainingRun(tiny_settings(), tiny_corpus).build_s < run.build_s


def test_what_is_done_for_the_first_time_is_not_paid_for(
    tiny_corpus: Corpus, tiny_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = [50.0]  # seconds to compile a loop, once
    learn = CountExperts.learn

    def learn_slowly(experts: CountExperts, text: np.ndarray) -> None:
        clock.seconds_gone += slow.pop() if slow else 0.0
        learn(experts, text)

    class Clock:
        seconds_gone = 0.0

        def __call__(self) -> float:
            return self.seconds_gone

    clock = Clock()
    monkeypatch.setattr(CountExperts, "learn", learn_slowly)
    monkeypatch.setattr(
        "bardtune.model.training.trainer.TrainingClock", lambda budget_s: TrainingClock(budget_s, now=clock)
    )
    run = TrainingRun(tiny_settings(count_max_order=3), tiny_corpus)
    assert run.clock.seconds["setup"] == 50.0
    assert run.build_s == 0.0
    assert run.model.experts is not None
    assert run.model.experts.tables is not None
    assert run.model.experts.tables._group_of.shape[1] == len(tiny_corpus.train) - 1  # and all is counted after it

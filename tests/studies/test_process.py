"""The covariance of the surrogate's process."""

import torch

from bardtune.studies.surrogate.process import NO_RUN, RUNS_PER_UNIT, CurveKernel, build, fit

TWO_RUNS = torch.tensor(  # two coordinates, study, clock, run
    [
        [0.2, 0.4, 0.0, 0.0, 0.0],
        [0.2, 0.4, 0.0, 0.5, 0.0],
        [0.2, 0.4, 0.0, 0.0, 1 / RUNS_PER_UNIT],
        [0.9, 0.1, 0.0, 0.0, 2 / RUNS_PER_UNIT],
    ],
    dtype=torch.float64,
)


def covariance(inputs: torch.Tensor, others: torch.Tensor | None = None) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = CurveKernel(2)(inputs, inputs if others is None else others).to_dense()
    return found


def test_it_is_symmetric_and_regular() -> None:
    rng = torch.Generator().manual_seed(0)
    inputs = torch.rand(40, 5, generator=rng, dtype=torch.float64)
    inputs[:, -1] = torch.arange(40) // 4 / RUNS_PER_UNIT
    found = covariance(inputs)
    assert torch.equal(found, found.T)
    assert float(torch.linalg.eigvalsh(found)[0]) > 0


def test_the_diagonal_alone_is_that_of_the_whole() -> None:
    with torch.no_grad():
        assert torch.allclose(CurveKernel(2)(TWO_RUNS, diag=True), covariance(TWO_RUNS).diagonal())


def test_a_batch_of_points_is_as_each_of_them() -> None:
    each = TWO_RUNS.unsqueeze(-2)  # (4, 1, 5)
    with torch.no_grad():
        found = CurveKernel(2)(each, TWO_RUNS.expand(4, 4, 5)).to_dense()
    assert torch.allclose(found[:, 0], covariance(TWO_RUNS))


def test_one_run_shares_its_chance_with_itself_and_with_no_other_of_the_same_settings() -> None:
    found = covariance(TWO_RUNS)
    chance = float(found[0, 0] - found[0, 2])
    assert abs(chance - 0.05) < 1e-9
    assert abs(float(found[0, 1]) - float(found[0, 0])) < 1e-9  # the clock is 0 at one of them


def test_what_is_on_the_way_varies_more_than_the_end() -> None:
    found = covariance(TWO_RUNS)
    assert float(found[1, 1]) > float(found[0, 0])


def test_what_settings_are_worth_elsewhere_correlates_the_less_the_further_away_it_is() -> None:
    rows = TWO_RUNS[:1].repeat(5, 1)
    away = torch.tensor([0.0, 0.1, 0.6, 0.6, 0.6], dtype=torch.float64)
    rows[:, -3] = torch.tensor([0.0, 1.1, 2.6, 2.6, 3.6], dtype=torch.float64)
    rows[:, -1] = NO_RUN
    found = covariance(rows) / covariance(rows)[0, 0]
    assert torch.allclose(found[0], (-away).exp())
    assert torch.allclose(found[2], torch.tensor([-0.6, -0.7, 0.0, 0.0, -1.2], dtype=torch.float64).exp())
    assert float(torch.linalg.eigvalsh(found)[0]) > -1e-9


def test_no_run_has_no_chance() -> None:
    nobody = TWO_RUNS[:1].clone()
    nobody[:, -1] = NO_RUN
    assert float(covariance(nobody)) < float(covariance(TWO_RUNS[:1]))
    assert torch.equal(covariance(nobody, nobody), covariance(nobody, TWO_RUNS[:1]))


def test_learning_makes_what_was_seen_more_likely_and_finds_what_does_not_matter() -> None:
    rng = torch.Generator().manual_seed(1)
    inputs = torch.rand(60, 5, generator=rng, dtype=torch.float64)
    inputs[:, -3:-1], inputs[:, -1] = 0.0, torch.arange(60) / RUNS_PER_UNIT
    units = torch.sin(6 * inputs[:, 0])
    model = build(inputs, units)
    before = model.covar_module.log_lengths[0].detach().clone()
    fit(model)
    lengths = model.covar_module.log_lengths[0].detach()
    assert lengths[0] < before[0]
    assert lengths[1] > before[1]
    with torch.no_grad():
        assert float((model(inputs).mean - units).abs().max()) < 0.2

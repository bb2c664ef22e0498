"""Panels that share the bpb axis."""

import pytest

from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.views.panels import panel_against
from support.study_records import make_record, make_trial


def test_numbers_that_are_far_apart_have_a_logarithmic_axis_and_others_one_from_zero() -> None:
    data = PlotData(make_record(*(make_trial(n, 2.3 + n / 50) for n in range(3))))
    near = panel_against(data, "number", lambda run: 10.0 * (run.number + 1))
    far = panel_against(data, "number", lambda run: 10.0 ** (run.number + 1))
    assert near is not None
    assert far is not None
    assert near.axis.positions == (10, 20, 30)
    assert near.axis.ticks[0] == (0, "0")
    assert far.axis.positions == pytest.approx((1, 2, 3))


def test_the_baseline_stands_at_its_own_number_and_only_the_best_of_the_search_is_the_best() -> None:
    data = PlotData(make_record(make_trial(1, 2.3), make_trial(2, 2.2), baseline_bpb=2.1))
    panel = panel_against(data, "number", lambda run: float(run.number) + 1)
    assert panel is not None
    assert panel.best == 1
    assert panel.baseline == (1.0, 2.1)
    assert len(panel.dots) == len(panel.axis.positions) == 2

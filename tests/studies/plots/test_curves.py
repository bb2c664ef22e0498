"""Learning curves."""

import pytest

from bardtune.studies.records import StudyRecord
from support.study_records import make_record, make_trial, planted_record
from support.views import view_of_record


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return planted_record(30)


def test_the_last_point_of_a_finished_curve_is_the_final_value() -> None:
    trial = make_trial(0, 2.3, curve=((50, 2.6), (100, 2.35)))
    best = view_of_record(make_record(trial), "curves").best
    assert best is not None
    assert best.points == ((50, 2.6), (100, 2.3))


def test_curves_hold_the_baseline_and_draw_pruned_ones_beneath(record: StudyRecord) -> None:
    view = view_of_record(record, "curves")
    assert view.baseline is not None
    assert view.baseline.points[-1] == (100, 2.277)
    looks = [curve.look for curve in view.curves]
    assert looks.index("finished") > max(index for index, look in enumerate(looks) if look == "pruned")


def test_curves_say_what_the_last_point_is_measured_on(record: StudyRecord) -> None:
    assert "whole validation part" in view_of_record(record, "curves").frame.note

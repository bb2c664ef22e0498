"""bpb against each parameter."""

import pytest

from bardtune.studies.records import StudyRecord
from support.study_records import PARAMETERS
from support.views import view_of_record
from support.whole_study import whole_study


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return whole_study()


def test_a_slice_has_a_panel_for_each_parameter_with_a_dot_for_each_trial_that_has_a_bpb(record: StudyRecord) -> None:
    view = view_of_record(record, "slice")
    assert [panel.title for panel in view.panels] == [parameter.name for parameter in PARAMETERS]
    assert all(len(panel.dots) == len(panel.axis.positions) == 40 for panel in view.panels)
    for panel in view.panels:
        places = [place for place, _ in panel.axis.ticks]
        assert all(panel.axis.low < place < panel.axis.high for place in (*places, *panel.axis.positions))

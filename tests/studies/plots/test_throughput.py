"""bpb against training speed."""

from support.study_records import make_record, make_trial
from support.views import view_of_record


def test_throughput_is_in_thousand_bytes_per_second_and_leaves_out_who_has_not_said() -> None:
    spoken = make_trial(0, 2.3, stats={"bytes_per_s": 250_000})
    view = view_of_record(make_record(spoken, make_trial(1, 2.2, stats={})), "throughput")
    assert view.panels[0].axis.positions == (250.0,)
    assert "thousand bytes per second" in view.panels[0].title

"""What a study shows in a notebook."""

import pytest

from bardtune.search.terminal import notebook
from bardtune.search.terminal.notebook import NotebookView
from support.study_records import make_record, make_trial


class Handle:
    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, thing, *, display_id: bool) -> "Handle":
        self.update(thing)
        return self

    def update(self, thing) -> None:
        self.shown.append(thing._repr_html_())


def test_bars_move_and_ended_runs_are_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "SECONDS_BETWEEN_PICTURES", -1.0)
    handle = Handle()
    view = NotebookView(handle)
    first, second = make_trial(0, 2.3), make_trial(1, None, ended="running")
    view.study_began(make_record(first, state="running"))
    view.run_began("search-0001", make_record(first, second, state="running"))
    view.placed("search-0001", 3)
    view.heartbeat("search-0001", 45.0, 100)
    view.measured("search-0001", 20, 2.4)
    view.tick(60.0)
    last = handle.shown[-1]
    assert 'trial 1, node 3</b><progress value="45"' in last
    assert "2.4000 bpb at 20 %" in last
    assert "1 min 00 s used, best so far 2.3000 bpb, trial 0" in last
    view.heartbeat("search-0001", 46.0, 101, "evaluating, <50 %>")
    view.tick(61.0)
    assert "evaluating, &lt;50 %&gt;" in handle.shown[-1]
    view.run_ended("search-0001", make_record(first, make_trial(1, 2.2)))
    view.close()
    assert "trial 1" not in handle.shown[-1].split("best so far")[0]
    said = capsys.readouterr().out
    assert "trial 1        finished       2.2000 bpb" in said
    assert "new best: trial 1" in said

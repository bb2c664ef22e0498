"""A study as a Python object: its rows, its winner, its pictures, and what it says of itself."""

import sys
from dataclasses import replace

import pytest

from bardtune.data.errors import UserError
from bardtune.search.api.study import Study
from bardtune.studies.analysis.table import COLUMNS, rows
from bardtune.studies.analysis.verdict import verdict_of
from support.study_records import STORAGE, make_record, make_trial
from support.whole_study import whole_study


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(whole_study())


def test_runs_are_the_rows_of_the_table(study: Study) -> None:
    assert study.runs == list(rows(study.record))
    assert len(study.runs) == len(study.record.runs)


def test_a_frame_has_a_line_for_each_run_and_the_tables_columns(study: Study) -> None:
    pytest.importorskip("pandas", reason="needs pandas: pip install 'bardtune[dev]'")
    frame = study.frame()
    assert list(frame.columns) == list(study.runs[0])
    assert frame["val_bpb"].min() == min(run["val_bpb"] for run in study.runs if run["val_bpb"] is not None)
    empty = Study(make_record()).frame()
    assert (len(empty), list(empty.columns)) == (0, [column.name for column in COLUMNS])


def test_a_frame_without_pandas_is_a_sentence(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match="pip install pandas"):
        study.frame()


def test_the_winner_is_the_verdicts(study: Study) -> None:
    verdict, winner = verdict_of(study.record), study.winner
    assert verdict.confirmed is not None
    assert winner is not None
    assert (winner.bpb, winner.sd, winner.n) == (verdict.confirmed.mean, verdict.confirmed.sd, 2)
    assert verdict.winner is not None
    assert (winner.trial, winner.params, winner.settings) == (
        verdict.winner.number,
        verdict.winner.params,
        verdict.winner.settings,
    )
    assert winner.is_settled == verdict.is_settled
    assert "degrees of freedom" in winner.certainty


def test_a_winner_that_nothing_has_confirmed_says_so() -> None:
    trials = make_trial(0, 2.4), make_trial(1, 2.3)
    winner = Study(make_record(*trials, final={"search-0001": {"test_bpb": 2.5}})).winner
    assert winner is not None
    assert (winner.trial, winner.bpb, winner.sd, winner.n, winner.test_bpb) == (1, 2.3, None, 1, 2.5)
    assert not winner.is_settled
    assert "not confirmed" in winner.certainty


def test_a_study_without_a_finished_trial_has_no_winner() -> None:
    study = Study(make_record(make_trial(0, None, ended="crashed")))
    assert study.winner is None
    assert "no trial has finished yet" in repr(study)


def test_a_study_says_in_two_lines_what_it_is(study: Study) -> None:
    first, second = study._repr_html_().split("<br>")
    assert first.startswith("<b>first-folio: finished (all trials made), ")
    assert second.startswith("winner trial ")
    assert second in repr(study)
    assert STORAGE not in repr(study)


def test_a_studys_name_is_text_in_a_notebook() -> None:
    assert "<script>" not in Study(replace(make_record(), name="<script>"))._repr_html_()


def test_an_unknown_plot_or_evaluator_is_a_sentence_that_names_those_there_are(study: Study) -> None:
    with pytest.raises(UserError, match="no plot 'paralel'; choose one of importance, parallel"):
        study.plot("paralel")
    with pytest.raises(UserError, match="regression"):
        study.plot("importance", evaluator="oracle")

"""What is told of a run: the names that programs and exports rely on, each read and explained in one place."""

import json

from bardtune.studies.analysis.run_facts import FACTS, LOG, logged, shown_json
from support.study_records import make_record, make_trial, planted_record

# Programs and older exports rely on these names: add at will, never rename.
IN_SHOW = "role trial candidate repeats script state ending reason val_bpb curve params stats"
IN_LOG = (
    "role number label candidate repeats state ending reason val_bpb trust intermediate_values params settings seed "
    "started ended steps bytes_seen bytes_per_s num_params seconds cpu_ratio peak_memory_bytes threads starved "
    "cpu precision numba node"
)


def test_every_run_is_told_by_the_names_that_programs_rely_on() -> None:
    record = planted_record(20)
    for run in record.runs:
        assert list(shown_json(record, run)) == IN_SHOW.split()
        assert list(logged(record, run)) == IN_LOG.split()


def test_a_name_is_taken_once_and_explained() -> None:
    names = [fact.name for fact in FACTS]
    assert len(set(names)) == len(names)
    assert all(len(fact.meaning) > 5 for fact in FACTS)


def test_show_has_the_figures_as_they_are_stored() -> None:
    stats = {"steps": 7, "seconds": {"train": 1.5}, "host": "elsinore", "starved": False}
    record = make_record(make_trial(0, stats=stats))
    assert shown_json(record, record.search_runs[0])["stats"] == stats


def test_an_exports_log_names_no_host_and_no_script_of_somebodys() -> None:
    script = {"path": "/home/somebody/train.py", "source": "print()", "trust": "checked"}
    record = make_record(make_trial(0, role="service", script=script, settings={"seed": 3}, stats={"host": "elsinore"}))
    told = logged(record, record.search_runs[0])
    assert (told["trust"], told["seed"]) == ("checked", 3)
    assert not any(word in json.dumps(told, default=str) for word in ("somebody", "elsinore", "print"))
    assert not {"stats", "script"} & {fact.name for fact in FACTS if LOG in fact.places}

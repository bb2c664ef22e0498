"""Make-believe studies that leave a picture little to show, or too much."""

import math
from dataclasses import replace
from functools import lru_cache

from bardtune.studies.records import Parameter, StudyRecord
from support.study_records import PARAMETERS, make_record, make_trial, planted_record


@lru_cache
def odd_studies() -> dict[str, StudyRecord]:
    """Studies that leave a picture little to show."""
    params = {"learning_rate": 0.003, "batch_size": 8}
    rope = Parameter(name="rope_theta", low=10.0, high=1e4, log=True)
    with_rope = make_trial(0, 2.4, params={**params, "rope_theta": 50.0})
    biases = Parameter(name="biases", choices=(True, False))
    wide = Parameter(name="name-of-a-parameter-" * 6, choices=("choice-" * 12, "other-" * 12))
    runs = [make_trial(n, 2.2, role="confirmation", candidate=0, params={}) for n in range(3)]
    service = make_trial(9, 2.1, role="service", params={})
    busy = {"starved": True, "bytes_per_s": 0, "seconds": {}}
    fifty = planted_record(50)
    return {
        "two": make_record(make_trial(0, params=params), make_trial(1, 2.2, params=params)),
        "all-pruned": make_record(
            *(replace(t, state="pruned", ending="pruned", val_bpb=None) for t in fifty.search_runs)
        ),
        "all-failed": make_record(*(make_trial(n, None, ended="crashed", params=params) for n in range(30))),
        "infinite": make_record(
            make_trial(0, math.inf, params=params, curve=((10, 3.0), (20, math.inf))),
            make_trial(1, math.nan, params=params, curve=((10, math.nan),)),
            make_trial(2, 2.3, params=params),
        ),
        "only-infinite": make_record(make_trial(0, math.inf, params=params)),
        "far-off": replace(
            fifty, search_runs=(make_trial(50, 1e9, params=fifty.search_runs[0].params), *fifty.search_runs[:49])
        ),
        "booleans": replace(
            fifty,
            search_runs=tuple(replace(t, params={**t.params, "biases": t.number % 2 == 0}) for t in fifty.search_runs),
            parameters=(*fifty.parameters, biases),
        ),
        "huge-names": replace(
            fifty,
            search_runs=tuple(
                replace(t, params={**t.params, wide.name: (wide.choices or ())[t.number % 2]})
                for t in fifty.search_runs
            ),
            parameters=(*fifty.parameters, wide),
            name="a$b_" * 20,
        ),
        "only-other-runs": make_record(other_runs=(*runs, service)),
        "with-other-runs": replace(fifty, other_runs=(*fifty.other_runs, *runs, service)),
        "starved": make_record(*(make_trial(n, 2.3 + n / 50, params=params, stats=busy) for n in range(3))),
        "no-times": make_record(*(make_trial(n, params=params, stats={}, started=None, ended=None) for n in range(3))),
        "empty": make_record(),
        "running": make_record(make_trial(0, None, ended="running", params=params)),
        "one": make_record(make_trial(0, params=params)),
        "pruned": make_record(make_trial(0, ended="pruned", params=params), baseline_bpb=2.277),
        "lost": make_record(make_trial(0, None, ended="diverged"), make_trial(1, None, ended="crashed")),
        "equal": make_record(*(make_trial(number, params=params) for number in range(25))),
        "conditional": replace(
            make_record(with_rope, make_trial(1, 2.3, params=params)), parameters=(*PARAMETERS[:5], rope)
        ),
        "long": replace(planted_record(10), name="long-name." * 10),
        "one-point": make_record(make_trial(0, ended="interrupted", curve=((5, 4.0),), params=params)),
        "no-parameters": make_record(make_trial(0, params={}), make_trial(1, 2.2, params={})),
    }

"""The report: what it says of studies in every state, what it never tells, and a command that really runs."""

import html
import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bardtune.model.settings import settings_from
from bardtune.studies.plan import StudyPlan
from bardtune.studies.plots.registry import KINDS
from bardtune.studies.records import StudyRecord
from bardtune.studies.report import Sample, report_html
from bardtune.studies.report.command import train_command
from support.fakes import text_of
from support.study_records import make_record, make_trial, planted_record

TINY: dict[str, Any] = {
    "d_model": 16, "n_layers": 1, "n_heads": 2, "d_ff": 32, "history_depth": 0, "batch_size": 2,
    "learning_rate": 0.0123, "norm": "rmsnorm", "biases": False, "budget_s": 0.3, "seed": 7,
}  # fmt: skip


def page_of(record: StudyRecord, **named: Any) -> str:
    """The report without plotly's own code."""
    return re.sub(r'<script id="plotly".*?</script>', "", report_html(record, **named), flags=re.DOTALL)


def words_of(record: StudyRecord, **named: Any) -> str:
    """What a reader sees of the report."""
    page = re.sub(r"<(script|style).*?</\1>|<head>.*</head>", "", page_of(record, **named), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def confirmed_record(*, seeds_apart: float = 0.001, baseline_bpb: float = 2.4) -> StudyRecord:
    """Two candidates with two fresh seeds each, 0.01 apart; all scored."""
    trials = (make_trial(0, 2.29), make_trial(1, 2.28), make_trial(2, None, ended="crashed", reason="out of memory"))
    again = [
        make_trial(index + 1, 2.3 - 0.01 * candidate + seeds_apart * seed, role="confirmation", candidate=candidate)
        for index, (candidate, seed) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)])
    ]
    record = make_record(*trials, baseline_bpb=baseline_bpb)
    final = {"confirmation-0003": {"test_bpb": 2.25}, "baseline-0000": {"test_bpb": 2.5}}
    return replace(record, other_runs=(*record.other_runs, *again), candidates=(0, 1), final=final)


def test_it_says_what_was_asked_what_ended_it_who_won_and_how_sure_that_is() -> None:
    words = words_of(confirmed_record())
    for fact in (
        "Asked for: 50 training runs of 180 s each at most",
        "when all runs were made",
        "The winner is trial 1: 2.2905 bpb (sd 0.0007, n=2 seeds), 0.1095 lower than the baseline.",
        "it is distinguishable from all that was confirmed",
        "On the test part, which is scored once at the end, it has 2.2500 bpb on text that the search has never seen, "
        "0.900 of the baseline's.",
        "0.954 winner / baseline",
        "out of memory",
        "crashed",
    ):
        assert fact in words


def test_a_doubtful_winner_is_called_one() -> None:
    words = words_of(confirmed_record(seeds_apart=0.02, baseline_bpb=2.3))
    assert "it is not distinguishable from trial 0, the baseline (seed sd 0.0141 with 2 degrees of freedom)." in words


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (make_record(state="running", stop_reason=None), "No trial has finished yet, so there is no winner"),
        (make_record(state="running", stop_reason=None), "No run has begun yet."),
        (make_record(*[make_trial(n, None, ended="crashed") for n in range(3)]), "No trial finished: there is no"),
        (make_record(*[make_trial(n, ended="pruned") for n in range(9)]), "9 pruned"),
        (make_record(make_trial(0), state="interrupted", stop_reason="user"), "interrupted by its user"),
        (make_record(make_trial(0), state="interrupted", stop_reason=None), "can be continued"),
        (make_record(make_trial(0), state="interrupted", stop_reason="error"), "because trials kept crashing"),
        (make_record(make_trial(0), stop_reason="hours"), "when its hours were over"),
        (make_record(make_trial(0, ended="running"), state="running", stop_reason=None), "still running"),
        (make_record(make_trial(0)), "It is not confirmed: the lowest of many single runs is partly luck."),
        (make_record(make_trial(0), corpus={}, fingerprint={}), "not known"),
        (make_record(replace(make_trial(0), val_bpb=float("inf"))), "trial 0"),
        (make_record(make_trial(0), final={"search-0000": {"reason": "the file is gone"}}), "the file is gone"),
    ],
)  # fmt: skip
def test_a_study_in_any_state_has_a_report(record: StudyRecord, said: str) -> None:
    assert said in words_of(record)


def test_every_kind_of_picture_is_there_or_a_sentence() -> None:
    full, empty = page_of(planted_record(50)), page_of(make_record())
    for kind in KINDS:
        assert f'id="plot-{kind}"' in full
        assert f'<section class="picture" id="{kind}"' in empty
        assert f'id="plot-{kind}"' not in empty
    specs = re.findall(r'data-plot="[^"]+">(.*?)</script>', full, flags=re.DOTALL)
    assert len(specs) == len(KINDS)
    assert all(json.loads(spec)["data"] for spec in specs)


def test_the_page_is_one_file_below_8_megabytes_that_asks_for_nothing() -> None:
    page = report_html(planted_record(50))
    assert len(page.encode()) < 8e6
    assert page.count('id="plotly"') == 1
    own = page_of(planted_record(50))
    assert "default-src 'none'" in own
    assert not re.findall(r"<(?:script|img|iframe|link|source)[^>]*\b(?:src|href)=[\"'](?!data:)", own)
    assert "http://" not in own
    assert "https://" not in own


def test_a_sample_stands_in_the_page_if_there_is_one() -> None:
    assert "What the winner writes" not in words_of(planted_record(3))
    sample = Sample(text="Enter <a> GHOST.", note="16 bytes.")
    assert "What the winner writes Enter <a> GHOST. 16 bytes." in words_of(planted_record(3), sample=sample)


def test_a_sample_of_any_bytes_can_be_shown_and_says_no_more_than_the_rest_of_the_page() -> None:
    sample = Sample(text="\n  a\r\nb\0\x1b[31m\u202ec, as jdoe wrote in /home/jdoe/letters", note="")
    page = page_of(planted_record(3), sample=sample, names=("jdoe",))
    shown = page.partition('<pre class="text" tabindex="0">\n')[2].partition("</pre>")[0]
    assert shown == "\n  a\nb\ufffd\ufffd[31m\ufffdc, as … wrote in letters"


def hostile_record() -> StudyRecord:
    """A study whose texts are all attempts."""
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    trial = make_trial(0, 2.2, params={"norm": evil}, settings={"norm": evil}, reason=evil)
    crashed = make_trial(1, None, ended="crashed", reason=f"{evil}&\"'")
    return make_record(
        trial, crashed, make_trial(2, 2.3, params={"norm": "x"}), name=evil,
        corpus={"name": evil, "bytes": 1, "sha256": evil},
        plan=StudyPlan(corpus=f"/x/{evil}", space=f"/x/{evil}"), fingerprint={evil: evil},
    )  # fmt: skip


def test_all_texts_are_shown_and_none_is_obeyed() -> None:
    page = page_of(hostile_record(), sample=Sample(text="<script>alert(2)</script>", note="<script>alert(3)</script>"))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("<script") == len(re.findall(r"<script(?: id| type|>)", page))


# What it never tells


def test_it_tells_no_host_user_path_or_password() -> None:
    record = planted_record(20)
    reason = (
        "OSError: [Errno 28] '/home/some body/secret files/x.pt' on secret-host: see /home/somebody/secret/log.txt, "
        "C:\\Users\\somebody\\y.txt and postgresql://somebody:pass-word@secret-host/db for jdoe"
    )
    trials = (*record.search_runs, make_trial(20, None, ended="crashed", reason=reason))
    plan = StudyPlan(corpus="/home/somebody/secret/plays", space="/home/somebody/secret/space.toml")
    record = replace(record, plan=plan, search_runs=trials)
    page = page_of(record, names=("jdoe",))
    for secret in ("secret", "somebody", "some body", "/home", "pass-word", "jdoe", "bardtune.db", "sqlite"):
        assert secret not in page, secret
    words = words_of(record, names=("jdoe",))
    for kept in ("x.pt", "log.txt", "y.txt", "plays", "space.toml", "[Errno 28]"):
        assert kept in words


# The winner's command


def test_the_winners_command_trains_the_same_settings(tmp_path: Path) -> None:
    (tmp_path / "my text.txt").write_bytes(text_of(20_000))
    settings = settings_from(TINY)
    trial = make_trial(0, settings=settings.as_dict())
    plan = StudyPlan(corpus="/some/where/my text.txt", seconds=0.3, threads=1)
    command = train_command(trial, plan)
    assert command is not None
    assert html.escape(command, quote=False)[:40] in html.unescape(page_of(make_record(trial, plan=plan)))
    script = f'bardtune() {{ {shlex.quote(sys.executable)} -P -m bardtune "$@"; }}\n{command}'
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["settings"] == settings.as_dict()


def test_a_command_names_the_preset_that_needs_the_fewest_changes() -> None:
    from bardtune.model.presets import preset

    def command_of(name: str, **changes: Any) -> str:
        settings = preset(name, budget_s=20.0, seed=3, **changes).as_dict()
        return train_command(make_trial(0, settings=settings), StudyPlan(threads=2)) or ""

    assert " ".join(command_of("reference", n_layers=2).replace("\\\n", "").split()) == (
        "bardtune train --preset reference --seconds 20 --seed 3 --threads 2 --set n_layers=2"
    )
    assert "--preset modern" in command_of("modern", d_model=64)


@pytest.mark.parametrize("settings", [{}, {**TINY, "retired": 1}, {**TINY, "d_model": -1}])
def test_settings_of_another_version_have_no_command(settings: dict[str, Any]) -> None:
    trial = make_trial(0, settings=settings)
    assert train_command(trial, StudyPlan()) is None
    assert "Train it again" not in words_of(make_record(trial))


# The command

"""What is sent to others loses places and hosts, and nothing else."""

import pytest

from bardtune.studies.analysis.redactor import Redactor
from support.study_records import make_record, make_trial


@pytest.mark.parametrize(
    "text",
    [
        "the loss stopped being a number at step 12",
        "12.5 bytes/s and/or 3 %",
        "exit code -9 (out of memory?)",
        "a: b/c",
    ],
)
def test_innocent_words_are_left_alone(text: str) -> None:
    assert Redactor(make_record())(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("OSError: no file /home/me/x.txt: 3 of 4", "OSError: no file x.txt: 3 of 4"),
        ("4.9 bpb at 30 %: 2 of 2 / others", "4.9 bpb at 30 %: 2 of 2 / others"),
        ("not checked: 'C:\\\\Users\\\\me\\\\w.bin' on secret-host", "not checked: 'w.bin' on …"),
        ("no room in ~bob/ or '~bob/' or C:\\\\", "no room in … or '…' or …"),
        ("no file 'C:\\\\Users/me\\\\mine/x\\\\y.txt'", "no file 'y.txt'"),
        ("see sqlite:////home/me/studies.db", "see …"),
    ],
)
def test_of_a_path_only_the_last_part_is_kept_and_of_a_host_nothing(text: str, kept: str) -> None:
    assert Redactor(make_record(make_trial(0)))(text) == kept

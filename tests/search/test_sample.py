"""``bardtune sample``: what it refuses; texts by real winners are in test_export.py."""

from pathlib import Path

import pytest

from support.command_line import complaint
from support.studies_at_hand import make_study, storage_at

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--bytes", "0"], "choose --bytes 500"),
        (["--bytes", "1000001"], "choose --bytes 500"),
        (["--temperature", "nan"], "choose --temperature 0.8"),
        (["--temperature", "-1"], "choose --temperature 0.8"),
        (["--seed", "-1"], "choose --seed 0"),
    ],
)
def test_a_value_that_no_text_could_have_is_refused_with_one_it_could(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in complaint(capsys, "sample", "s", *options)


def test_a_study_without_a_finished_trial_has_nobody_to_write(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    make_study(storage_at(home), "empty")
    assert "no finished trial to take home yet" in complaint(capsys, "sample", "empty")

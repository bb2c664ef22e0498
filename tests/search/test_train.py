"""``bardtune train``: one run without a study."""

import json
from pathlib import Path

import pytest

from support.command_line import complaint, run
from support.fakes import text_of

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["train", "--preset", "antique"], "modern"),
        (["train", "--set", "d_model=33"], "try d_model"),
        (["train", "--set", "d_modle=33"], "did you mean 'd_model'"),
        (["train", "--set", "d_model"], "--set NAME=VALUE"),
        (["train", "--seconds", "0"], "--seconds 0 is outside 0.05 to 86400; choose --seconds 180"),
        (["train", "--seconds", "nan"], "--seconds nan is outside"),
        (["train", "--seconds", "9", "--steps", "9"], "give one of them"),
        (["train", "--steps", "0"], "give 1 to 10,000,000 steps"),
        (["train", "--steps", "9", "--record", "nowhere/record.json"], "name a file in a folder"),
        (["train", "--steps", "9", "--record", "."], "name a file in a folder"),
        (["train", "--set", "seed=3"], "use --seed"),
        (["train", "--corpus", "~nosuch/x"], "no usable path"),
        (["train", "--threads", "999"], "choose --threads"),
        (["train", "--corpus", "nowhere.txt"], "no corpus at"),
    ],
)
def test_what_the_user_can_put_right_is_one_sentence_before_anything_is_trained(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert said in complaint(capsys, *args)
    assert not (home / "studies.db").exists()


def test_train_ends_with_the_contracts_json_line(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    done = run(
        "train",
        "--preset",
        "reference",
        "--seconds",
        "0.5",
        "--corpus",
        "text.txt",
        "--threads",
        "1",
        "--set",
        "d_model=16",
        "--set",
        "n_layers=1",
        "--json",
        TORCH_SEED="7",
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert 0 < result["val_bpb"] < 8
    assert result["total_steps"] > 0
    assert result["num_params_M"] == pytest.approx(result["num_params"] / 1e6)
    assert (result["settings"]["seed"], result["settings"]["d_model"]) == (7, 16)
    assert "100 %" in done.stderr

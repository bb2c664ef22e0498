"""``bardtune train``: one run without a study."""

import json
from pathlib import Path

import pytest

from bardtune.model.presets import preset
from bardtune.model.training.budget import step_budget
from bardtune.search.commands.train import train_once, write_record
from support.command_line import complaint, run
from support.fakes import text_of

pytestmark = pytest.mark.usefixtures("home", "one_thread")
# Programs rely on these names: add at will, never rename.
KEYS = (
    "val_bpb total_steps num_params_M num_params bytes_per_s seconds build_s cpu_ratio peak_memory_bytes threads "
    "budget corpus_sha256 settings"
)


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


def test_the_line_has_all_that_programs_rely_on_and_no_host(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    settings = preset("reference", budget_s=1.0, seed=0, d_model=16, n_layers=1, d_ff=16)
    result, fractions = train_once(settings, str(tmp_path / "text.txt"), threads=1, budget=step_budget(num_steps=3))
    assert set(result) == {*KEYS.split(), "steps", "bytes_seen"}
    assert result["total_steps"] == result["steps"] == len(fractions) == 3
    assert result["num_params_M"] == pytest.approx(result["num_params"] / 1e6)
    assert (result["budget"], result["threads"]) == ("steps", 1)


def test_a_record_that_the_disk_does_not_take_costs_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    write_record(tmp_path / "file" / "record.json", {"val_bpb": 2.0})
    assert "no record at" in capsys.readouterr().err
    write_record(tmp_path / "record.json", {"val_bpb": 2.0})
    assert json.loads((tmp_path / "record.json").read_text()) == {"val_bpb": 2.0}

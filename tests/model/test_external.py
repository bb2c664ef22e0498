"""Scoring what a script hands back: its number is ours then, and a model that cheats gets none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bardtune.data.corpus import Corpus
from bardtune.search.cli.app import main
from bardtune.search.scripts.scoring import run_scorer
from support.studies_at_hand import make_study, storage_at
from support.tiny import TINY

Answer = Callable[..., dict[str, Any]]


# Legality


def bigram(seed: int = 0) -> Any:
    import torch
    from torch import nn

    table = nn.Embedding(256, 256)
    with torch.no_grad():
        table.weight.normal_(generator=torch.Generator().manual_seed(seed))
    return table.eval()


def make_models() -> dict[str, Any]:
    """Models of one table, each of which does another thing that it should not."""
    import torch
    from torch import nn

    class Model(nn.Module):
        def __init__(self, change: Callable[[Any, Any], Any]) -> None:
            super().__init__()
            self.table, self.change = bigram(), change
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: Any) -> Any:
            return self.change(self, x)

    def remembering(self: Any, x: Any) -> Any:
        self.calls += 1
        return self.table(x) * self.calls

    def averaged(self: Any, x: Any) -> Any:
        logits = self.table(x)
        return logits.cumsum(1) / torch.arange(1, x.shape[1] + 1)[:, None]

    def rarely(self: Any, x: Any) -> Any:  # position 100 alone knows what comes next
        ahead = torch.arange(x.shape[1])[:, None] == 100
        return torch.where(ahead, self.table(x.roll(-1, 1)), self.table(x))

    return {
        "honest": Model(lambda self, x: self.table(x)),
        "averaged": Model(averaged),
        "masked": Model(lambda self, x: self.table(x).masked_fill(torch.arange(256) == 0, -torch.inf)),
        "ahead": Model(lambda self, x: self.table(x.roll(-1, 1))),
        "rarely": Model(rarely),
        "mean": Model(lambda self, x: self.table(x) + self.table(x).mean(1, keepdim=True)),
        "beside": Model(lambda self, x: self.table(x) + self.table(x).mean(0, keepdim=True)),
        "remembering": Model(remembering),
        "dice": Model(lambda self, x: self.table(x) + torch.rand(())),
        "throwing": Model(lambda self, x: self.table(x) * torch.rand(256)),
        "nothing": Model(lambda self, x: self.table(x) * torch.nan),
    }


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("honest", None),
        ("averaged", None),
        ("masked", None),
        ("ahead", "looks ahead: other bytes after position 0 change"),
        ("rarely", "looks ahead: other bytes after position 100 change"),
        ("mean", "looks ahead"),
        ("beside", "looks at the other windows"),
        ("remembering", "answers otherwise when it is asked again"),
        ("dice", None),  # adds the same to all logits: the probabilities are the same
        ("throwing", "answers otherwise when it is asked again"),
        ("nothing", "gives logits that are no numbers"),
    ],
)
def test_a_model_that_is_not_legal_is_told_why(name: str, said: str | None, tiny_corpus: Corpus) -> None:
    from bardtune.model.measure.legality import IllegalModelError, check_legality

    model = make_models()[name]
    if said is None:
        check_legality(model, tiny_corpus.validation)
    else:
        with pytest.raises(IllegalModelError, match=said):
            check_legality(model, tiny_corpus.validation)


# The score


@pytest.fixture
def answer(tmp_path: Path, tiny_corpus: Corpus) -> Answer:
    """What the scoring process answers to an order, asked in this process."""
    from bardtune.search.scripts.scorer import score

    text = tmp_path / "text.txt"
    text.write_bytes(tiny_corpus.content.tobytes())

    def ask(kind: str, path: Path, settings: dict[str, Any] | None = None) -> dict[str, Any]:
        order = {"kind": kind, "path": str(path), "settings": settings, "corpus": str(text), "threads": 1}
        return score({**order, "corpus_sha256": tiny_corpus.sha256})

    return ask


def weights_of(path: Path, settings: dict[str, Any], metadata: dict[str, str] | None = None) -> Any:
    """Write random weights for settings, and return the model."""
    from safetensors.torch import save_file

    from bardtune.model.network.gpt import GPT
    from bardtune.model.settings import TrialSettings
    from support.small_models import randomize, seeded

    model = GPT(TrialSettings(**settings), seeded()).eval()
    randomize(model)
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items() if name != "head.weight"}
    save_file(tensors, path, metadata=metadata)
    return model


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("where", ["line", "file"])
def test_weights_are_scored_in_the_studys_own_model_with_its_counts(
    where: str, answer: Answer, tmp_path: Path, tiny_corpus: Corpus
) -> None:
    from bardtune.data.windows import evaluation_windows
    from bardtune.model.measure.ruler import evaluate

    settings = {**TINY, "count_max_order": 3}
    metadata = {"settings": json.dumps(settings)} if where == "file" else None
    model = weights_of(tmp_path / "w", settings, metadata)
    model.learn_counts(tiny_corpus.train)
    found = answer("weights", tmp_path / "w", settings if where == "line" else None)
    assert found == {"val_bpb": pytest.approx(evaluate(model, evaluation_windows(tiny_corpus.validation)), abs=1e-6)}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"d_model": 10**9}, "d_model is 1000000000; give a value from 2 to 1024"),
        ({"d_model": 1e300}, "d_model is 1e+300; give a whole number"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"d_modle": 16}, "unknown setting 'd_modle'"),
        ({"d_model": 32}, "the weights do not fit their settings: size mismatch for token.weight"),
        ({"n_layers": 2}, "the weights do not fit their settings: Missing key(s)"),
        ({"history_depth": 1}, "the weights do not fit their settings: Missing key(s)"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_they_cost_anything(
    changes: dict[str, Any], problem: str, answer: Answer, tmp_path: Path
) -> None:
    weights_of(tmp_path / "w", TINY)
    found = answer("weights", tmp_path / "w", {**TINY, **changes})
    assert list(found) == ["problem"]
    assert found["problem"].startswith(problem)


@pytest.mark.usefixtures("one_thread")
def test_a_file_that_is_torn_or_another_is_no_weights(answer: Answer, tmp_path: Path) -> None:
    path = tmp_path / "w"
    weights_of(path, TINY)
    whole = path.read_bytes()
    lie = b"\xff" * 8 + whole[8:]  # of the length of its header
    for content in (whole[:-100], whole[:20], b"x", lie, b"\0" * 1000, b"PK\x03\x04" + whole):
        path.write_bytes(content)
        assert answer("weights", path, TINY)["problem"].startswith("the weights are no whole safetensors file")
    path.write_bytes(whole)
    assert answer("weights", path)["problem"].startswith('there are no "settings"')
    for settings in ("[1]", "{", "[" * 100_000):
        weights_of(path, TINY, {"settings": settings})
        assert 'the "settings" in the metadata of the weights are n' in answer("weights", path)["problem"]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models as torch.export.save writes them."""
    import torch
    from torch import nn

    class Model(nn.Module):
        def __init__(self, cheats: bool) -> None:
            super().__init__()
            self.table, self.cheats = bigram(), cheats

        def forward(self, x: Any) -> Any:
            return self.table(x.roll(-1, 1) if self.cheats else x)

    folder = tmp_path_factory.mktemp("programs")
    x = torch.zeros(4, 256, dtype=torch.int64)
    any_number = ({0: torch.export.Dim.AUTO},)
    for name, program in {
        "one": torch.export.export(Model(False), (x[:1],)),
        "many": torch.export.export(Model(False), (x,), dynamic_shapes=any_number),
        "ahead": torch.export.export(Model(True), (x,), dynamic_shapes=any_number),
        "four": torch.export.export(Model(False), (x,)),
        "short": torch.export.export(nn.Embedding(256, 100), (x[:1],)),
    }.items():
        torch.export.save(program, folder / f"{name}.pt2")
    (folder / "torn.pt2").write_bytes((folder / "one.pt2").read_bytes()[:-500])
    (folder / "text.pt2").write_text("no model")
    torch.save(bigram(), folder / "pickle.pt2")
    return folder


@pytest.mark.usefixtures("one_thread")
def test_a_model_is_scored_whether_it_takes_one_window_or_many(
    programs: Path, answer: Answer, tiny_corpus: Corpus
) -> None:
    from bardtune.data.windows import evaluation_windows
    from bardtune.model.measure.ruler import evaluate

    bpb = evaluate(bigram(), evaluation_windows(tiny_corpus.validation))
    for name in ("one", "many"):
        assert answer("model", programs / f"{name}.pt2") == {"val_bpb": pytest.approx(bpb, abs=1e-5)}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        ("ahead", "illegal", "looks ahead"),
        ("four", "problem", "the model takes no windows of shape (1, 256)"),
        (
            "short",
            "problem",
            "the model must give logits of shape (1, 256, 256) for (1, 256), and it gives",
        ),
        ("torn", "problem", "the model is nothing that torch.export.save writes"),
        ("text", "problem", "the model is nothing that torch.export.save writes"),
        ("pickle", "problem", "the model is nothing that torch.export.save writes"),
    ],
)
def test_what_is_no_model_or_cheats_gets_no_score(
    name: str, key: str, said: str, programs: Path, answer: Answer
) -> None:
    found = answer("model", programs / f"{name}.pt2")
    assert list(found) == [key]
    assert found[key].startswith(said)


# Real processes


def test_scoring_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    check = run_scorer({"threads": 1}, tmp_path / "order.json", 0.01, lambda: True)
    assert check.problem == "scoring it took more than 0 s"


@pytest.fixture
def study(tmp_path: Path, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> str:
    """A study on a tiny text, of which nothing has been run."""
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path))
    (tmp_path / "text.txt").write_bytes(tiny_corpus.content.tobytes())
    text = {"name": str(tmp_path / "text.txt"), "bytes": tiny_corpus.num_bytes, "sha256": tiny_corpus.sha256}
    monkeypatch.setattr("support.studies_at_hand.CORPUS", text)
    make_study(storage_at(tmp_path), "mine", trials=5, corpus=text["name"], seconds=0.4)
    return "mine"


def script_that_leaves(source: Path, **line: Any) -> str:
    """A script that hands back a file that was made before, and waits for nothing."""
    said = json.dumps({"val_bpb": 1.25, "total_steps": 3, **line})
    return f"import shutil\nshutil.copy({str(source)!r}, {source.name!r})\nprint({said!r})\n"


def test_a_script_is_believed_as_far_as_its_model_bears_it_out(
    study: str, tmp_path: Path, programs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "train.py"
    script.write_text(script_that_leaves(programs / "many.pt2", model="many.pt2"))
    assert main(["run", str(script), "--study", study, "--json"]) == 0
    run = json.loads(capfd.readouterr().out)
    assert (run["script"]["trust"], run["reason"]) == ("checked", "the script reported 1.250000")
    assert 6 < run["val_bpb"] < 12
    script.write_text(script_that_leaves(programs / "ahead.pt2", model="ahead.pt2"))
    assert main(["run", str(script), "--study", study]) == 1
    assert "service 1: crashed: the model that it handed back looks ahead" in capfd.readouterr().out
    script.write_text(script_that_leaves(programs / "text.pt2", model="nowhere.pt2"))
    assert main(["run", str(script), "--study", study]) == 0
    told = capfd.readouterr().out
    assert "finished, 1.250000 bpb (self-reported; not checked: there is no file 'nowhere.pt2')" in told
    assert main(["show", study]) == 0
    assert f"{run['val_bpb']:.6f} bpb (checked; the script reported 1.250000)" in capfd.readouterr().out


def test_the_program_of_an_export_hands_its_weights_back(
    study: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from bardtune.model.settings import TrialSettings
    from bardtune.studies.export.program import train_source

    settings = TrialSettings(**{**TINY, "budget_s": 0.4, "count_max_order": 3, "count_words": 1})
    script = tmp_path / "train.py"
    script.write_text(train_source(settings.as_dict(), threads=1))
    assert main(["run", str(script), "--study", study, "--json"]) == 0
    run = json.loads(capfd.readouterr().out)
    assert (run["script"]["trust"], run["reason"]) == ("checked", None)
    assert run["val_bpb"] == pytest.approx(run["stats"]["said_bpb"], abs=1e-4)


def test_the_file_of_a_program_is_the_one_that_a_trainer_leaves(tmp_path: Path, begin_run: Any) -> None:
    """Written by hand in train.py, which has no safetensors to write with."""
    import torch
    from safetensors import safe_open

    from bardtune.model.contract.program import leave_weights

    run = begin_run(tied_head=True)
    leave_weights(run, tmp_path / "w")
    with safe_open(tmp_path / "w", framework="pt") as file:
        assert json.loads(file.metadata()["settings"]) == run.settings.as_dict()
        names = set(file.keys())
        state = run.model.state_dict()
        assert names == set(state) - {"head.weight"}
        assert all(torch.equal(file.get_tensor(name), state[name]) for name in names)

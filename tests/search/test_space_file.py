"""A space file says exactly what is meant, or is refused: nothing else is searched in silence."""

from pathlib import Path

import pytest

from bardtune.data.errors import UserError
from bardtune.search.sampling.space import SearchSpace
from bardtune.search.sampling.space_file import load_space

WIDTH = "[parameters.d_ff]\ntype='int'\nlow=32\nhigh=128\nstep=32\n"
POSITION = "[parameters.position]\ntype='categorical'\nchoices=['rope', 'alibi']\n"
THETA = "[parameters.rope_theta]\ntype='float'\nlow=10\nhigh=1000\n"
LAYERS = "[parameters.n_layers]\ntype='int'\nlow=1\nhigh=4\n"
RATE = "[parameters.learning_rate]\ntype='float'\nlow=0.001\nhigh=0.01\n"


def load(text: str, folder: Path) -> SearchSpace:
    path = folder / "space.toml"
    path.write_text(text, encoding="utf-8")
    return load_space(str(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[parameters.d_ff]\ntype='int'\nlow=32\nhigh=64\nlog='false'", "log is 'false'; give true or false"),
        ("[parameters.d_ff]\ntype='int'\nlow=32\nhigh=64\nlog=1", "log is 1; give true or false"),
        ("[parameters.d_ff]\ntype='int'\nlow=32.5\nhigh=64", "low is 32.5; give a whole number"),
        ("[parameters.d_ff]\ntype='int'\nlow=true\nhigh=64", "low is True; give a whole number"),
        ("[parameters.d_ff]\ntype='int'\nlow=32\nhigh=64\nstep=16.0", "step is 16.0; give a whole number"),
        ("[parameters.d_ff]\ntype='int'\nlow=32\nhigh=64\nstep=0", "step is 0; give one above 0"),
        ("[parameters.d_ff]\ntype='int'\nlow=32\nhigh=64\nstep=-8", "step is -8; give one above 0"),
        ("[parameters.learning_rate]\ntype='float'\nlow=0.001\nhigh=0.01\nstep=nan", "step is nan; give a number"),
        ("[parameters.learning_rate]\ntype='float'\nlow=-inf\nhigh=0.01", "low is -inf; give a number"),
        ("[parameters.learning_rate]\ntype='float'\nlow='1e-3'\nhigh=0.01", "low is '1e-3'; give a number"),
        ("[parameters.learning_rate]\ntype='float'\nlow=2026-11-28\nhigh=0.01", "give a number"),
        (f"[parameters.d_ff]\ntype='int'\nlow=1\nhigh=1{'0' * 400}", "give a whole number"),
        ("[parameters.d_ff]\ntype='int'\nlow=32\nhigh=100\nstep=32", "reaches high = 100; give 96 or 128"),
        ("[parameters.learning_rate]\ntype='float'\nlow=0.001\nhigh=0.01\nstep=0.002", "give 0.009 or 0.011"),
        ("[parameters.position]\ntype='categorical'\nchoices='rope'", "choices is 'rope'; give a list"),
        ("[parameters.position]\ntype='categorical'\nchoices=[['rope']]", "the choice ['rope'] is no number, text"),
        ("[parameters.position]\ntype='categorical'\nchoices=['rope','rope']", "the choice 'rope' is there twice"),
        (
            "[parameters.position]\ntype='categorical'\nchoices=['rope']\nlow=1",
            "low means nothing for the type",
        ),
        ("[parameters.d_ff]\ntype='int'\nlow=32\nhigh=64\nchoices=[1]", "choices means nothing for the type int"),
        ("[parameters.d_ff]\ntype=['int']\nlow=32\nhigh=64", "type ['int'] is unknown"),
        (f"{WIDTH}[best_known]\nd_ff=48", "best_known.d_ff = 48 is never drawn"),
        (f"{WIDTH}[best_known]\nd_ff=64.0", "d_ff is 64.0; give a whole number"),
        (f"{WIDTH}[best_known]\nn_layers=2", "best_known.n_layers is not searched"),
        (f"[fixed]\nd_ff=64\n{WIDTH}", "d_ff is fixed and searched"),
        (f"{POSITION}{THETA}condition={{seed=1}}", "unknown setting 'seed'"),
        (f"{POSITION}{THETA}condition={{budget_s=1}}", "unknown setting 'budget_s'"),
        (f"{WIDTH}{THETA}condition={{d_ff=33}}", "d_ff = 33, which no draw has"),
        (f"{WIDTH}{THETA}condition={{d_ff=64.5}}", "d_ff = 64.5, which no draw has"),
        (f"{RATE}{THETA}condition={{learning_rate=0.002}}", "learning_rate = 0.002, which no draw has"),
        (f"{THETA}condition={{biases=1}}", "biases = 1, which"),
        (
            f"{POSITION}{LAYERS}condition={{position='alibi'}}\n{THETA}condition={{position='rope', n_layers=3}}",
            "position = 'rope' and n_layers = 3, which no draw has",
        ),
        (
            f"{POSITION}{THETA}condition={{position='rope'}}\n[best_known]\nposition='alibi'\nrope_theta=100.0",
            "best_known.rope_theta is given where its own condition does not hold",
        ),
    ],
)
def test_what_is_not_meant_is_refused_in_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as problem:
        load(text, tmp_path)
    message = str(problem.value)
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "text",
    [
        WIDTH,
        "\ufeff" + WIDTH,
        f"{POSITION}{THETA}condition={{position='rope'}}\n[best_known]\nposition='rope'\nrope_theta=100",
        f"[fixed]\nrope_theta=50\n{POSITION}{THETA}condition={{position='rope'}}",
        f"{WIDTH}{THETA}condition={{d_ff=96}}",
        f"{POSITION}{LAYERS}condition={{position='alibi'}}\n{THETA}condition={{position='rope', n_layers=2}}",
        "[parameters.learning_rate]\ntype='float'\nlow=0.001\nhigh=0.01\nstep=0.001\n[best_known]\nlearning_rate=0.004",
        "[parameters.rope_theta]\ntype='float'\nlow=10\nhigh=1000\nlog=true",
    ],
    ids=["grid", "mark", "condition", "fixed where not drawn", "on a grid", "drawn or as it is", "steps", "log"],
)
def test_what_is_meant_is_taken(text: str, tmp_path: Path) -> None:
    assert load(text, tmp_path).dimensions

"""What a function known by name alone can stand for, as the model calls it; one line if nothing."""

import re
from pathlib import Path

import pytest

import symbptt
from symbptt.cli import main
from symbptt.errors import BindingError

LOSS = r"L = \sum_t squared_error(h_t, d_t)"
VECTOR = f"h_t = f(W x_t + U h_{{t-1}}, a)\n{LOSS}"
THREE = f"h_t = f(W x_t + U h_{{t-1}}, a, b)\n{LOSS}"
SCALAR_OF_ONE = "h_t = W x_t + U h_{t-1}\nL = \\sum_t l_t(h_t)"
SCALAR_OF_THREE = "h_t = W x_t + U h_{t-1}\nL = \\sum_t l(h_t, d_t, a)"


def model_file(folder: Path, text: str, more: str = "") -> str:
    path = folder / "q.toml"
    path.write_text(f"equations = '''\n{text}\n'''\n{more}")
    return str(path)


@pytest.mark.parametrize("command", ["derive", "verify", "export"])
def test_every_command_refuses_a_loss_for_a_vector(command, tmp_path, capsys):
    path = model_file(tmp_path, VECTOR, "functions = ['f']")
    assert main([command, path, "--let", "f=squared_error"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "a loss is a scalar, and the value of f is n×1 here; give it a formula, f(a, b)" in err


def test_a_model_file_that_binds_a_loss_to_a_vector_is_refused(tmp_path):
    path = model_file(tmp_path, VECTOR, "functions = ['f']\nbindings = {f = 'squared_error'}")
    with pytest.raises(BindingError, match="a loss is a scalar"):
        symbptt.load(path)


def test_a_loss_stands_for_a_scalar_wherever_it_is(tmp_path):
    text = "h_t = tanh(W x_t + U h_{t-1})\ne_t = f(h_t, d_t)\nL = \\sum_t e_t"
    path = model_file(tmp_path, text, "bindings = {f = 'squared_error'}\n[shapes]\ne = '1'")
    assert symbptt.verify(path).passed


@pytest.mark.parametrize(
    ("text", "function", "words"),
    [
        (VECTOR, "f", "nothing known of two arguments has a value that is n×1"),
        (THREE, "f", "nothing known of three arguments has a value that is n×1"),
        (SCALAR_OF_ONE, "l_t", "nothing known is a scalar of one argument"),
        (SCALAR_OF_THREE, "l", "nothing known has three arguments"),
    ],
)
def test_advice_where_nothing_can_be_bound(text, function, words):
    model = symbptt.load(text, functions=[function.removesuffix("_t")])
    for ask in (
        lambda: symbptt.compile(model),
        lambda: symbptt.compile(model, functions={function: "tanh"}),
    ):
        with pytest.raises(BindingError) as caught:
            ask()
        assert words in str(caught.value)
        assert "Known" not in str(caught.value)
        assert "--let" not in str(caught.value)
    # what it advises, with a formula of its own, is a model
    formula = re.search(r"give it a formula, (.*) = …", str(caught.value))
    assert formula is not None
    arguments = re.findall(r"\w+", formula[1].partition("(")[2])
    body = " * ".join(arguments)
    body = body if text in (VECTOR, THREE) else f"sum({body})"
    assert not symbptt.load(f"{formula[1]} = {body}\n{text}").abstract


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (f"h_t = f(W x_t)\n{LOSS}", "--let f=tanh"),
        ("h_t = W x_t\nL = \\sum_t l(h_t, d_t)", "--let l=squared_error"),
    ],
)
def test_advice_that_can_be_followed(text, advice):
    with pytest.raises(BindingError, match=advice):
        symbptt.compile(text)
    name, _, function = advice.removeprefix("--let ").partition("=")
    symbptt.compile(text, functions={name: function})

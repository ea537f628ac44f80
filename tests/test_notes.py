"""A gate that came out as a number for a product sign is noted, and nothing else is."""

import pytest

import symbptt
from symbptt import cli
from symbptt.errors import ModelWarning
from symbptt.model import builtin_names, load

REST = "c_t = tanh(V h_{t-1} + Q x_t)\nL = \\sum_t squared_error(h_t, d_t)"
GATE = "g_t = \\sigma(W h_{t-1} + U x_t + b)"

#: Two equations, and the product that the note names; none where what is written is meant.
GATES = {
    "a dot": ("h_t = g_t \\cdot h_{t-1} + (1 - g_t) \\cdot c_t", GATE, "(1 - g_t) \\cdot c_t"),
    "no sign": ("h_t = g_t h_{t-1} + (1 - g_t) c_t", GATE, "(1 - g_t) c_t"),
    "one sign of two": ("h_t = g_t ⊙ h_{t-1} + (1 - g_t) c_t", GATE, "(1 - g_t) c_t"),
    "a pre-activation of its own": (
        "h_t = (1 - g_t) h_{t-1} + g_t c_t",
        "z_t = W h_{t-1} + U x_t\ng_t = \\sigma(z_t)",
        "(1 - g_t) h_{t-1}",
    ),
    "entry by entry": ("h_t = g_t ⊙ h_{t-1} + (1 - g_t) ⊙ c_t", GATE, None),
    "a star": ("h_t = g_t * h_{t-1} + (1 - g_t) * c_t", GATE, None),
    "a scalar product": (
        "h_t = g_t h_{t-1} + (1 - g_t) c_t",
        "g_t = \\sigma(w^T h_{t-1} + u^T x_t + b)",
        None,
    ),
    "a vector of weights": (
        "h_t = g_t h_{t-1} + (1 - g_t) c_t",
        "g_t = \\sigma(w \\cdot h_{t-1} + b)",
        None,
    ),
    "a leak": ("h_t = (1 - a) h_{t-1} + a c_t", "", None),
}


@pytest.mark.parametrize("case", GATES)
def test_a_gate_that_is_a_number(case):
    update, gate, product = GATES[case]
    notes = load(f"{update}\n{gate}\n{REST}").notes
    assert len(notes) == (product is not None)
    if product is not None:
        assert f"g_t is a single number here, since '{product}' (line 1, column" in notes[0]
        assert 'write ⊙ for entry by entry, or declare g = "1" under [shapes]' in notes[0]
        assert not load(f"{update}\n{gate}\n{REST}", shapes={"g": "1"}).notes


def test_rows_are_told_as_columns_are():
    rows = "h_t = g_t h_{t-1} + (1 - g_t) c_t\ng_t = \\sigma(h_{t-1} W)\nc_t = tanh(h_{t-1} V + x_t Q)\n"
    model = load(rows + REST.splitlines()[1])
    assert model.row_vectors
    assert len(model.notes) == 1


@pytest.mark.parametrize("name", builtin_names())
def test_no_built_in_model_has_one(name):
    assert not load(name).notes


def test_it_is_a_warning_in_python():
    update, gate, _ = GATES["no sign"]
    with pytest.warns(ModelWarning, match="g_t is a single number here"):
        symbptt.derive(f"{update}\n{gate}\n{REST}")


@pytest.mark.parametrize("command", [["derive"], ["graph", "-T", "2"], ["export"], ["verify"]])
def test_it_is_a_line_on_standard_error(tmp_path, capsys, command):
    update, gate, _ = GATES["a dot"]
    path = tmp_path / "cell.txt"
    path.write_text(f"{update}\n{gate}\n{REST}")
    assert cli.main([command[0], str(path), *command[1:]]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("symbptt: note: g_t is a single number here")

"""Shapes follow from the equations: every dimension is found by unification, none is guessed."""

import pytest

import symbptt
from symbptt.errors import ModelError, RequestError
from symbptt.model import Role

SUM = r"L = \sum_{t=1}^{T} squared_error(y_t, d_t)"


def shapes(text, **options):
    return {v.name: v.shape for v in symbptt.load(text, **options).variables.values()}


def test_elman():
    assert shapes("elman") == {
        "W_hh": ("n", "n"),
        "W_xh": ("n", "m"),
        "W_hy": ("k", "n"),
        "b_h": ("n", 1),
        "b_y": ("k", 1),
        "x": ("m", 1),
        "z": ("n", 1),
        "h": ("n", 1),
        "o": ("k", 1),
        "y": ("k", 1),
        "target": ("k", 1),
    }


def test_row_vectors_are_taken_as_written():
    found = shapes(f"h_t = tanh(x_t W_xh + h_{{t-1}} W_hh + b)\ny_t = h_t W_hy\n{SUM}")
    assert found["x"] == (1, "m")
    assert found["h"] == (1, "n")
    assert found["W_xh"] == ("m", "n")
    assert found["b"] == (1, "n")
    assert found["W_hy"] == ("n", "k")


def test_elementwise_weights_are_vectors():
    found = shapes(f"h_t = tanh(w ⊙ h_{{t-1}} + U x_t)\ny_t = V h_t\n{SUM}")
    assert found["w"] == ("n", 1)


def test_a_declared_scalar_scales():
    text = f"h_t = tanh(a h_{{t-1}} + U x_t)\ny_t = V h_t\n{SUM}"
    assert shapes(text, shapes={"a": "1"})["a"] == (1, 1)
    assert shapes(text)["a"] == ("n", "n")


def test_a_computed_scalar_is_one():
    found = shapes("h_t = tanh(W h_{t-1} + U x_t)\ne_t = h_t^T h_t\ny_t = e_t (V h_t)\n" + SUM)
    assert found["e"] == (1, 1)
    assert found["y"] == ("k", 1)


def test_declared_dimensions_keep_their_names():
    found = shapes(f"h_t = tanh(W h_{{t-1}} + U x_t)\ny_t = V h_t\n{SUM}", shapes={"W": "p, p"})
    assert found["h"] == ("p", 1)


def test_declared_shapes_that_disagree_name_both_places():
    with pytest.raises(ModelError, match=r"\[shapes\] W.*|'W h_\{t-1\}'"):
        shapes(f"h_t = W h_{{t-1}} + U x_t\ny_t = V h_t\n{SUM}", shapes={"W": "p, q"})


def test_a_letter_of_the_model_names_no_dimension():
    found = shapes(f"h_t = tanh(n h_{{t-1}} + m x_t)\ny_t = k h_t\n{SUM}")
    names = {dim for shape in found.values() for dim in shape}
    assert not names & {"n", "m", "k"}


def test_lags_of_any_length_are_found():
    model = symbptt.load(f"h_t = W h_{{t-1}} + V h_{{t-3}} + U x_t\ny_t = C h_t\n{SUM}")
    assert model.variables["h"].lags == (0, 1, 3)
    assert [str(s) for s in model.variables["h"].initial_steps] == ["0", "-1", "-2"]
    assert model.variables["h"].role is Role.STATE


def test_equations_for_the_next_step_are_the_same_model():
    now = symbptt.derive(f"h_t = tanh(W h_{{t-1}} + U x_t)\ny_t = V h_t\n{SUM}")
    ahead = symbptt.derive(f"h_{{t+1}} = tanh(W h_t + U x_{{t+1}})\ny_t = V h_t\n{SUM}")
    assert now.gradients == ahead.gradients


@pytest.mark.parametrize(
    "spelling",
    [
        r"h_t = \tanh\left(W_{hh}\,h_{t-1} + W_{xh}\,x_t + b_h\right)",
        "h_t = tanh(W_hh @ h_{t-1} + W_xh @ x_t + b_h)",
        "h_t = tanh(matmul(W_hh, h_{t-1}) + matmul(W_xh, x_t) + b_h)",
        r"h^{(t)} = \tanh(W_{hh} \cdot h^{(t-1)} + W_{xh} \cdot x^{(t)} + b_h)",
        r"\mathbf{h}_t = \tanh(\mathbf{W}_{hh}\mathbf{h}_{t-1} + \mathbf{W}_{xh}\mathbf{x}_t + \mathbf{b}_h)",
        "h[t] = tanh(W_hh h[t-1] + W_xh x[t] + b_h)",
    ],
)
def test_one_model_in_many_spellings(spelling):
    plain = "h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h)"
    loss = r"L = \sum_{t=1}^{T} squared_error(h_t, d_t)"
    same, other = symbptt.load(f"{plain}\n{loss}"), symbptt.load(f"{spelling}\n{loss}")
    assert same.equations[0].rhs == other.equations[0].rhs


@pytest.mark.parametrize("start", ["a[%s] = 0", "a_{%s} = 0", "a^{(%s)} = 0"])
def test_one_initial_value_in_many_spellings(start):
    text = f"a[t] = tanh(W a[t-2])\n{start % 0}\n{start % -1}\nL = \\sum_t sum(a[t]^2)"
    initial = symbptt.load(text).initial
    assert {(name, str(step)): start for (name, step), start in initial.items()} == {
        ("a", "0"): None,
        ("a", "-1"): None,
    }


def test_a_weight_run_into_its_vector():
    fused = symbptt.load("s_t = \\tanh(Ws_{t-1} + Ux_t)\n" + r"L = \sum_t squared_error(s_t, d_t)")
    assert {v.name for v in fused.parameters} == {"W", "U"}


def test_what_a_number_is_added_to_is_a_scalar():
    text = "h_t = α h_{t-1} + (1 - α) tanh(W h_{t-1} + U x_t)\ny_t = V h_t\n" + SUM
    assert shapes(text)["alpha"] == (1, 1)


def test_a_matrix_to_which_a_number_is_added_is_a_matrix_where_it_is_declared():
    text = "v_t = tanh((1 - V) v_{t-1} + (U + W + 2) b)\nL = \\sum_t sum(v_t^2)"
    found = shapes(text, shapes={"V": "n, n", "W": "n, m"})
    assert found == {
        "v": ("n", 1),
        "V": ("n", "n"),
        "U": ("n", "m"),
        "W": ("n", "m"),
        "b": ("m", 1),
    }


def test_numbers_are_steps_only_for_what_is_of_every_step():
    numbered = "h_t = tanh(W_1 h_{t-1} + U x_t)\nL = squared_error(W_2 h_2, d_2)"
    model = symbptt.load(numbered)
    assert model.variables["d"].role is Role.TARGET
    assert {v.name for v in model.parameters} == {"W_1", "U", "W_2"}
    late = "h_t = tanh(W h_{t-1} + U x_t)\nL = squared_error(h_{T-1}, d_{T-1})"
    assert symbptt.load(late).variables["d"].role is Role.TARGET


@pytest.mark.parametrize("prediction", ["v_{r,%s}", "v_r^{(%s)}", "v_r[%s]"])
@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("d_%s", "d"),
        ("d_{%s}", "d"),
        ("d_{r,%s}", "d_r"),
        ("d^{(%s)}", "d"),
        ("d[%s]", "d"),
        (r"\bar d_%s", "d_bar"),
    ],
)
@pytest.mark.parametrize("step", ["2", "T"])
def test_a_target_is_at_the_step_of_what_it_is_compared_with(prediction, target, name, step):
    loss = f"L = squared_error({prediction % step}, {target % step})"
    model = symbptt.load(f"{prediction % 't'} = tanh(W_d {prediction % 't-1'})\n{loss}")
    assert {v.name: v.role for v in model.given} == {name: Role.TARGET}
    assert {v.name for v in model.parameters} == {"W_d"}


@pytest.mark.parametrize("wrong", [None, 123, b"h_t = x_t", [], "", "\0", "x" * 5000])
def test_what_is_no_model_is_refused_in_one_line(wrong):
    with pytest.raises(RequestError) as caught:
        symbptt.load(wrong)
    assert len(caught.value.headline) < 200


def test_options_go_with_a_text_only():
    with pytest.raises(RequestError, match="with equations as text only"):
        symbptt.load("elman", name="mine")
    text = "h_t = tanh(W h_{t-1} + U x_t)"
    assert symbptt.load(text, loss=r"L = \sum_t squared_error(h_t, d_t)").loss_name == "L"


def test_a_function_of_the_models_own_has_scalars_for_parameters():
    text = "gate(z) = z * sigmoid(beta z)\ny_t = gate(W y_{t-1} + U x_t)\n" + SUM
    found = shapes(text)
    assert found["beta"] == (1, 1)
    assert found["W"] == ("n", "n")


def test_a_scalar_is_added_to_every_entry():
    found = shapes("a_t = W a_{t-1} + U x_t\nm_t = mean(a_t)\ny_t = V (a_t - m_t)\n" + SUM)
    assert found["m"] == (1, 1)
    assert found["a"] == ("n", 1)

"""Pruning: which weights go, by sorting all of them; and what is measured, by hand."""

import numpy as np
import pytest
from small import CHAIN, small_net

from minivis.compression import pruned, pruning_curve
from minivis.compression.pruning import share_of_zeros
from minivis.errors import InputError
from minivis.nets import Net
from minivis.training import evaluate


def table(rng, dtype="float64"):
    return {
        "a": {"kernel": rng.standard_normal((3, 3, 2, 4)).astype(dtype), "bias": np.ones(4, dtype)},
        "b": {"kernel": (10 * rng.standard_normal((8, 5))).astype(dtype), "bias": np.ones(5, dtype)},
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.77, 1.0])
def test_the_least_go(rng, dtype, share):
    weights = table(rng, dtype)
    sizes = {row: np.abs(arrays["kernel"]) for row, arrays in weights.items()}
    deviations = {row: arrays["kernel"].std() for row, arrays in weights.items()}
    for scope, scaled in (
        ("global", sizes),
        ("std", {row: size / deviations[row] for row, size in sizes.items()}),
    ):
        ranked = sorted((x, row, i) for row, size in scaled.items() for i, x in enumerate(size.ravel()))
        gone = {(row, i) for _, row, i in ranked[: round(share * len(ranked))]}
        found = pruned(weights, share, scope)
        for row, arrays in found.items():
            flat = arrays["kernel"].ravel()
            assert {(row, i) for i in np.flatnonzero(flat == 0)} == {place for place in gone if place[0] == row}
            kept = flat != 0
            np.testing.assert_array_equal(flat[kept], weights[row]["kernel"].ravel()[kept])
            assert arrays["kernel"].dtype == dtype
            np.testing.assert_array_equal(arrays["bias"], weights[row]["bias"])
    by_row = pruned(weights, share, "row")
    for row, arrays in by_row.items():
        flat, size = arrays["kernel"].ravel(), sizes[row].ravel()
        assert (flat == 0).sum() == round(share * flat.size)
        if 0 < share < 1:
            assert size[flat == 0].max() <= size[flat != 0].min()


def test_scopes_differ_where_rows_do(rng):
    weights = table(rng)
    shares = {s: (pruned(weights, 0.5, s)["a"]["kernel"] == 0).mean() for s in ("global", "std", "row")}
    assert shares["global"] > shares["std"] + 0.1 and shares["row"] == 0.5


def test_of_equal_weights_the_first_go_and_zeros_count():
    weights = {"a": {"kernel": np.array([[2.0, -1.0, 1.0, 0.0], [1.0, -1.0, 5.0, -0.0]])}}
    found = pruned(weights, 0.5)["a"]["kernel"]
    assert found.tolist() == [[2, 0, 0, 0], [1, -1, 5, 0]]
    assert pruned(weights, 0.1)["a"]["kernel"].tolist() == weights["a"]["kernel"].tolist()
    constant = pruned({"a": {"kernel": np.zeros((2, 3))}}, 0.5, "std")["a"]["kernel"]
    assert (constant == 0).all()


def test_the_curve_is_what_evaluation_says(rng):
    net = small_net(dtype="float32")
    pictures, labels = rng.integers(0, 256, (20, 16, 16, 3)).astype("uint8"), rng.integers(0, 5, 20)
    curve = pruning_curve(net, pictures, labels, shares=(0.0, 0.6, 1.0), scope="row")
    assert curve.accuracy[0] == evaluate(net, pictures, labels).accuracy
    middle = Net(CHAIN, pruned(net.weights, 0.6, "row"))
    assert curve.accuracy[1] == evaluate(middle, pictures, labels).accuracy
    np.testing.assert_allclose(curve.zeros, [0, 0.6, 1], atol=0.01)
    np.testing.assert_allclose(curve.by_row["fc3"], [0, 0.6, 1], atol=0.01)
    # All kernels zero: the biases of the last row answer, the same for all pictures.
    assert curve.accuracy[2] == (labels == net.weights["fc4"]["bias"].argmax()).mean()
    assert share_of_zeros(net.weights) == 0


def test_wrong_arguments(rng):
    for share, scope in ((1.1, "row"), (-0.1, "row"), (0.5, "layer"), (float("nan"), "row")):
        with pytest.raises(InputError, match=r"share 0..1 and a scope"):
            pruned(table(rng), share, scope)

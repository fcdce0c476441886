"""Which row of a net each layer of a file is, and whether its tensors fit."""

from __future__ import annotations

import re

from .container import Expected, Part, Parts, StrPath, complaint, listed
from .found import Found

# Keras's names of VGG's layers -> the paper's and Caffe's
KERAS_DENSE = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
VGG16_CONVOLUTIONS, VGG19_CONVOLUTIONS = 13, 16


def caffe_name(name: str) -> str:
    """block1_conv2 -> conv1_2, fc1 -> fc6, predictions -> fc8; other names stay."""
    block = re.fullmatch(r"block(\d+)_conv(\d+)", name)
    return f"conv{block[1]}_{block[2]}" if block else KERAS_DENSE.get(name, name)


def match(found: Found, expected: Expected | None, path: StrPath) -> tuple[dict[str, Parts], tuple[str, ...]]:
    """Name the rows of a file, in network order, and check them against `expected`.

    Returns the rows and the names that were of no use. Only the last rows of `expected` may be missing.
    """
    if expected is None:
        rows = _renamed(found, {})
        for row, parts in rows.items():
            _check_bias(row, parts, path)
        return rows, found.unused
    rows = _renamed(found, expected)
    if not any(row in expected for row in rows) and found.unnamed:
        rows = _by_order(found, expected, path)
    _check_convolutions(rows, expected, path)
    _check_missing(rows, expected, path)
    for row, shapes in expected.items():
        if row in rows:
            _check_shapes(row, rows[row], dict(shapes), path)
    extra = tuple(row for row in rows if row not in expected)
    return {row: rows[row] for row in expected if row in rows}, found.unused + extra


def _renamed(found: Found, wanted: Expected) -> dict[str, Parts]:
    """Rows under Caffe's names; a name that is wanted as it stands is kept."""
    names = {name: name if name in wanted else caffe_name(name) for name in found.rows}
    if found.layout == "minivis" or len(set(names.values())) < len(names):  # fc1 and fc6 in one file: not VGG
        return dict(found.rows)
    return {names[name]: parts for name, parts in found.rows.items()}


def _convolutions(rows: dict[str, Parts]) -> list[str]:
    return [row for row, parts in rows.items() if "kernel" in parts and len(parts["kernel"].shape) == 4]


def _by_order(found: Found, expected: Expected, path: StrPath) -> dict[str, Parts]:
    """Give made-up names (conv2d_3, dense_1) to the expected rows of the same rank, in order."""
    if found.odd:  # leaving one out would move all that follow
        problem = f"layers without names go by their order, and {listed(found.odd)} cannot be told: no kernel and bias"
        raise complaint(path, problem)
    rows: dict[str, Parts] = {}
    for rank, kind in ((4, "convolutions"), (2, "dense layers")):
        wanted = [row for row, shapes in expected.items() if len(shapes.get("kernel", ())) == rank]
        there = [parts for parts in found.rows.values() if len(parts["kernel"].shape) == rank]
        if len(there) > len(wanted):
            raise complaint(path, f"{len(there)} {kind} found, {len(wanted)} expected{_vgg19(len(there), len(wanted))}")
        rows |= dict(zip(wanted, there, strict=False))
    return {row: rows[row] for row in expected if row in rows}


def _vgg19(there: int, wanted: int) -> str:
    return ": VGG19?" if (wanted, there) == (VGG16_CONVOLUTIONS, VGG19_CONVOLUTIONS) else ""


def _check_convolutions(rows: dict[str, Parts], expected: Expected, path: StrPath) -> None:
    """VGG19 holds every row of VGG16, in the same shapes, and would load with wrong results."""
    there = len(_convolutions(rows))
    wanted = sum(len(shapes.get("kernel", ())) == 4 for shapes in expected.values())
    if _vgg19(there, wanted):
        raise complaint(path, f"{there} convolutions found, {wanted} expected{_vgg19(there, wanted)}")


def _check_missing(rows: dict[str, Parts], expected: Expected, path: StrPath) -> None:
    wanted = list(expected)
    present = [k for k, row in enumerate(wanted) if row in rows]
    if not present:
        raise complaint(path, f"none of the rows {listed(wanted)} is in it; it has {listed(rows)}")
    missing = [row for row in wanted[: present[-1]] if row not in rows]
    if missing:
        raise complaint(path, f"missing rows: {listed(missing)}; it has {listed(rows)}")


def _check_shapes(row: str, parts: Parts, shapes: dict[str, tuple[int, ...]], path: StrPath) -> None:
    if set(parts) != set(shapes):
        raise complaint(path, f"expected {listed(sorted(shapes))}, found {listed(sorted(parts))}", row)
    for name, shape in shapes.items():
        part = parts[name]
        if part.shape != tuple(shape):
            problem = f"{name}: expected {tuple(shape)}, found {part.shape}{_order_hint(part, tuple(shape))}"
            raise complaint(path, problem, row)


def _order_hint(part: Part, shape: tuple[int, ...]) -> str:
    found = part.shape
    if len(found) == len(shape) == 4 and tuple(found[k] for k in (2, 3, 1, 0)) == shape:
        return (
            ". This looks like OIHW, channels first; expected HWIO. Take the file named ..._tf_dim_ordering_tf_kernels,"
            " or say what it is, as the numbers do not: minivis weights convert IN OUT --layout keras-th if the kernels"
            " are Theano's, which are flipped as well, --layout keras-oihw if not"
        )
    if len(found) == len(shape) == 2 and found[::-1] == shape:
        return ". This looks like (out, in); expected (in, out)"
    return ""


def _check_bias(row: str, parts: Parts, path: StrPath) -> None:
    """Without expected shapes, a bias still tells how many outputs its kernel must have."""
    if set(parts) != {"kernel", "bias"} or len(parts["bias"].shape) != 1:
        return
    kernel, outputs = parts["kernel"], parts["bias"].shape[0]
    if kernel.shape[-1] == outputs:
        return
    transposed = (2, 3, 1, 0) if len(kernel.shape) == 4 else (1, 0)
    hint = _order_hint(kernel, tuple(kernel.shape[k] for k in transposed)) if kernel.shape[0] == outputs else ""
    raise complaint(path, f"kernel {kernel.shape} and a bias of {outputs} do not fit{hint}", row)

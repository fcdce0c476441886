"""The stand-in for CuPy refuses what a device refuses, and computes what NumPy computes."""

import copy
import inspect
import pickle
import sys

import fakecupy
import numpy as np
import pytest
from fakecupy import synchronisations

UNSUPPORTED = "Unsupported type"


@pytest.fixture
def cp():
    with fakecupy.install() as cupy:
        yield cupy


@pytest.fixture
def x(cp):
    return cp.asarray(np.arange(12, dtype=np.float32).reshape(3, 4))


def equal(got, want):
    np.testing.assert_array_equal(got.get(), want)
    assert got.dtype == np.asarray(want).dtype


# --- the module --------------------------------------------------------------------------------------


def test_install_and_removal():
    before = {name: sys.modules.get(name) for name in fakecupy.MODULES}
    with fakecupy.install() as cp:
        import cupy
        import cupyx.scipy.ndimage

        assert cupy is cp is sys.modules["cupy"]
        assert cupyx.scipy.ndimage is sys.modules["cupyx.scipy.ndimage"]
    assert {name: sys.modules.get(name) for name in fakecupy.MODULES} == before


def test_get_array_module(cp, x):
    assert cp.get_array_module(x) is cp
    assert cp.get_array_module(1.0, x) is cp
    assert cp.get_array_module(np.ones(2), 1.0) is np
    assert type(x).__module__ == "cupy" and isinstance(x, cp.ndarray)


def test_what_is_missing_says_so(cp):
    with pytest.raises(AttributeError, match="draw on the host"):
        cp.random  # noqa: B018
    with pytest.raises(AttributeError, match="no 'geomspace'"):
        cp.geomspace  # noqa: B018
    assert not hasattr(cp, "put_along_axis") and not hasattr(cp, "errstate")


# --- no way to the host but the explicit ones --------------------------------------------------------


def test_no_implicit_conversion(x):
    for convert in (
        np.asarray,
        np.array,
        np.exp,
        np.sum,
        np.transpose,
        lambda a: np.concatenate([a, a]),
        lambda a: np.array([a, a]),
    ):
        with pytest.raises(TypeError):
            convert(x)
    host = np.zeros((3, 4))
    with pytest.raises(TypeError, match="Implicit conversion"):
        host[...] = x
    with pytest.raises(TypeError, match="Implicit conversion"):
        host[x] = 1


def test_to_the_host_and_back(cp):
    host = np.arange(3.0)
    x = cp.asarray(host)
    host[0] = 9
    assert x.get().tolist() == [0, 1, 2]  # a copy
    assert cp.asarray(x) is x and cp.asarray(x, dtype="f8") is x
    assert cp.asarray(x, dtype="f4").dtype == np.float32
    back = cp.asnumpy(x)
    back[1] = 9
    assert x.tolist() == [0, 1, 2]
    assert cp.asnumpy(host) is host
    equal(cp.array([[1.0, 2.0], x[:2]]), np.array([[1.0, 2.0], [0.0, 1.0]]))
    x.set(np.ones(3))
    assert x.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cp.asarray(np.array(["a"]))


# --- operands ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [np.ones((3, 4), np.float32), [1.0, 2.0, 3.0, 4.0], (1, 2, 3, 4), None, "1"])
def test_no_mixing(cp, x, other):
    for f in (cp.add, cp.maximum, cp.equal, cp.matmul, cp.dot, lambda a, b: a + b, lambda a, b: a == b,
              lambda a, b: b * a, lambda a, b: cp.isclose(a, b), lambda a, b: cp.sum(b)):  # fmt: skip
        with pytest.raises(TypeError):
            f(x, other)
    with pytest.raises(TypeError, match=UNSUPPORTED):
        x += other
    with pytest.raises((TypeError, ValueError)):
        cp.where(x > 1, x, other)


@pytest.mark.parametrize("shape", [(3, 4), (1,), ()])
def test_a_numpy_array_on_the_left_is_refused(x, shape):
    host = np.ones(shape)
    assert x.__array_ufunc__ is None
    for f in (np.ndarray.__add__, np.ndarray.__mul__, np.ndarray.__lt__, np.ndarray.__matmul__):
        assert f(host, x) is NotImplemented
    with pytest.raises(TypeError, match=UNSUPPORTED):
        host + x
    with pytest.raises(TypeError):
        host -= x


def test_scalars_promote_as_in_numpy_2(x):
    host = x.get()
    for scalar in (2, 2.0, True, np.float32(2), np.float64(2), np.int64(2)):
        equal(x * scalar, host * scalar)
        equal(scalar - x, scalar - host)
    assert (x * np.float64(2)).dtype == np.float64 and (x * 2.0).dtype == np.float32


def test_an_operand_may_take_over(x):
    class Tensor:
        __array_ufunc__ = None

        def __radd__(self, other):
            return "mine"

        def __rmatmul__(self, other):
            return "mine"

    assert x + Tensor() == "mine" and x @ Tensor() == "mine"


@pytest.mark.parametrize("join", ["concatenate", "stack", "vstack"])
def test_joining_takes_device_arrays_only(cp, x, join):
    host = x.get()
    equal(getattr(cp, join)([x, x]), getattr(np, join)([host, host]))
    for wrong in ([x, host], [x, 1.0], x):
        with pytest.raises(TypeError):
            getattr(cp, join)(wrong)


def test_keywords_that_cupy_has_not(cp, x):
    for f, keywords in [
        (cp.exp, {"where": x > 0}),
        (cp.sum, {"where": x > 0}),
        (cp.max, {"initial": 0}),
        (x.max, {"initial": 0}),
        (cp.count_nonzero, {"keepdims": True}),
        (cp.sort, {"stable": True}),
        (cp.broadcast_to, {"shape": (3, 3, 4), "subok": True}),
        (cp.lib.stride_tricks.as_strided, {"shape": (2,), "writeable": False}),
    ]:
        with pytest.raises(TypeError):
            f(**keywords) if f == x.max else f(x, **keywords)
    with pytest.raises(TypeError):
        cp.take(x, 1, mode="clip")
    with pytest.raises(TypeError):
        cp.clip(x, min=0, max=1)
    with pytest.raises(ValueError, match="stable"):
        cp.argsort(x, kind="quicksort")
    with pytest.raises(NotImplementedError):
        cp.maximum.reduce(x)
    with pytest.raises(NotImplementedError):
        cp.multiply.at(x, cp.asarray([0]), 2.0)


# --- results, views, memory --------------------------------------------------------------------------


def test_reductions_stay_on_the_device(cp, x):
    for y in (x.sum(), cp.mean(x), x.max(), cp.argmax(x), cp.count_nonzero(x), cp.allclose(x, x), cp.array_equal(x, x),
              cp.linalg.norm(x), x.any(), cp.add(1, 2)):  # fmt: skip
        assert isinstance(y, cp.ndarray) and y.shape == ()
    assert x.sum().dtype == np.float32 and cp.argmax(x).dtype == np.int64
    assert isinstance(cp.ndim(x), int) and cp.shape(x) == (3, 4)


def waited(f, *args):
    before = synchronisations.count
    f(*args)
    return synchronisations.count - before


def test_synchronisations_are_counted(cp, x):
    y = cp.exp(x).sum() + x[1, 2] * 2
    y += 1
    cp.concatenate([x, x])[0] = x[0]
    assert synchronisations.count == 0
    for f in (float, int, bool, str, repr, cp.asnumpy):
        assert waited(f, y) == 1
    for name in ("get", "item", "tolist"):
        assert waited(getattr(y, name)) == 1
    for f in (cp.nonzero, cp.where, cp.unique, x.__getitem__):  # their size is known on the device only
        assert waited(f, x > 1) == 1
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)


def test_views_share_memory_and_copies_do_not(cp, x):
    x[0, 0] += 100
    row, element, flat = x[1], x[2, 3], x.reshape(-1)
    row += 1
    element *= 2
    flat[1] = -5
    equal(x, np.array([[100, -5, 2, 3], [5, 6, 7, 8], [8, 9, 10, 22]], np.float32))
    assert cp.shares_memory(x, x.T) and cp.shares_memory(x, cp.moveaxis(x, 0, 1)[::2])
    gathered = x[cp.asarray([0, 1])]
    gathered += 1
    for fresh in (gathered, x[x > 0], x[cp.asarray(1)], cp.array(x)):
        assert not cp.shares_memory(x, fresh)
    windows = cp.lib.stride_tricks.sliding_window_view(x, (2, 2))
    assert windows.shape == (2, 3, 2, 2) and cp.shares_memory(windows, x)


def test_assigning_from_the_host_is_refused(cp, x):
    for key in (..., 0, (slice(None), 1), cp.asarray([0, 1])):
        with pytest.raises(ValueError, match="cannot be used for fill"):
            x[key] = np.array([1, 2, 3, 4], "f4")[: x[key].shape[-1]]
    with pytest.raises(ValueError, match="cannot be used for fill"):
        x[0] = [1, 2, 3, 4]
    with pytest.raises(TypeError):
        cp.copyto(x, np.ones((3, 4)))
    x[0] = x[1]
    x[1] = 7
    x[2] = np.float64(0.5)
    equal(x, np.array([[4, 5, 6, 7], [7, 7, 7, 7], [0.5, 0.5, 0.5, 0.5]], "f4"))


def test_in_place_keeps_the_array_and_its_dtype(cp, x):
    same = x
    x += 1
    x *= cp.asarray(np.float32(2))
    x -= x[:1]
    x /= 2.0
    assert x is same and x.dtype == np.float32
    with pytest.raises(TypeError):
        i = cp.arange(3)
        i += 0.5
    out = cp.empty((3, 4), np.float32)
    assert cp.exp(x, out=out) is out and cp.maximum(x, 0, out) is out and cp.matmul(x, x.T, out=out[:, :3]) is not None
    equal(out[:, :3], x.get() @ x.get().T)
    with pytest.raises(TypeError, match=UNSUPPORTED):
        cp.exp(x, out=np.empty((3, 4)))


def test_uninitialised_memory_is_no_zero(cp, x):
    assert np.isnan(cp.empty((2, 2), "f4").get()).all() and np.isnan(cp.empty_like(x).get()).all()
    assert cp.empty(2, "u1").tolist() == [255, 255]
    assert np.isnan(cp.ndarray((2,), "f4").get()).all()


# --- indexing ----------------------------------------------------------------------------------------


def test_gathers_wrap_around(cp, x):
    host = x.get()
    far = cp.asarray([3, -4, 6])  # of 3 rows: 0, 2, 0; of 4 columns: 3, 0, 2
    equal(x[far], host[[0, 2, 0]])
    equal(x[:, far], host[:, [3, 0, 2]])
    equal(x[far, far], host[[0, 2, 0], [3, 0, 2]])
    equal(x[..., None, far], host[..., None, [3, 0, 2]])
    equal(cp.take(x, far, axis=1), host[:, [3, 0, 2]])
    equal(cp.take_along_axis(x, far[:, None], axis=1), host[[0, 1, 2], [3, 0, 2]][:, None])
    x[far[:2]] = -1
    host[[0, 2]] = -1
    equal(x, host)
    with pytest.raises(IndexError):
        x[3]


def test_lists_and_masks_as_indices(cp, x):
    host = x.get()
    equal(x[:, [2, 1, 0]], host[:, [2, 1, 0]])
    equal(x[np.array([2, 0])], host[[2, 0]])
    equal(x[x > 5], host[host > 5])
    equal(x[:, cp.asarray([True, False, True, False])], host[:, ::2])
    x[x > 5] = 0
    assert x.max().item() == 5


def test_different_values_for_one_position_are_refused(cp):
    x = cp.zeros(4, "f4")
    twice = cp.asarray([1, 2, 1])
    x[twice] = 3.0
    x[twice] = cp.asarray([5.0, 6.0, 5.0])
    with pytest.raises(RuntimeError, match="undefined on a device"):
        x[twice] = cp.asarray([1.0, 2.0, 3.0])
    with pytest.raises(RuntimeError, match="undefined on a device"):
        x[cp.asarray([0, 4])] = cp.asarray([1.0, 2.0])  # 4 wraps to 0


def test_add_at_adds_duplicates(cp):
    import cupyx

    x = cp.zeros(4, "f4")
    cp.add.at(x, cp.asarray([1, 2, 5]), cp.asarray(np.array([1, 2, 3], "f4")))
    cupyx.scatter_add(x, cp.asarray([0, 0]), 1.0)
    assert x.tolist() == [2, 4, 2, 0]
    cp.maximum.at(x, cp.asarray([3, 3]), cp.asarray(np.array([7, 6], "f4")))
    assert x.tolist() == [2, 4, 2, 7]
    with pytest.raises(TypeError, match="only supports"):
        cp.add.at(cp.zeros(4, "i8"), cp.asarray([1]), 1)
    with pytest.raises(TypeError, match=UNSUPPORTED):
        cp.add.at(x, cp.asarray([1]), np.ones(1))


# --- as NumPy computes it ----------------------------------------------------------------------------

SAME = {
    "pad": lambda m, a: m.pad(a, ((1, 0), (0, 2)), constant_values=3),
    "roll": lambda m, a: m.roll(a, (1, -2), (0, 1)),
    "rot90": lambda m, a: m.rot90(a),
    "flip": lambda m, a: m.flip(a, 1),
    "clip": lambda m, a: m.clip(a, 2, 7.5),
    "where": lambda m, a: m.where(a > 3, a, 0),
    "einsum": lambda m, a: m.einsum("ij,kj->ik", a, a),
    "tensordot": lambda m, a: m.tensordot(a, a, axes=([1], [1])),
    "matmul": lambda m, a: a @ a.T,
    "dot": lambda m, a: m.dot(a, a.T),
    "argsort": lambda m, a: m.argsort(-a, axis=1),
    "sort": lambda m, a: m.sort(-a, axis=None),
    "partition": lambda m, a: m.partition(a, 2, axis=1)[:, 2],
    "unravel_index": lambda m, a: m.unravel_index(m.argmax(a, axis=1), (3, 4))[1],
    "percentile": lambda m, a: m.percentile(a, [5, 50], axis=0),
    "quantile": lambda m, a: m.quantile(a, 0.3),
    "isfinite": lambda m, a: m.isfinite(m.where(a > 3, m.inf, a)),
    "broadcast_to": lambda m, a: m.broadcast_to(a, (2, 3, 4)),
    "transpose": lambda m, a: a.transpose(1, 0).reshape(2, -1),
    "std": lambda m, a: a.std(axis=0, keepdims=True),
    "var": lambda m, a: m.var(a, axis=1, ddof=1),
    "full": lambda m, a: m.full((2, 2), 1.5, a.dtype) + m.eye(2, dtype=a.dtype) + m.ones((2, 2), a.dtype),
    "arange": lambda m, a: m.arange(2, 9, 3) + m.arange(3),
    "linspace": lambda m, a: m.linspace(0, 1, 5),
    "like": lambda m, a: m.zeros_like(a) + m.ones_like(a, dtype="f8") + m.full_like(a, 3),
    "meshgrid": lambda m, a: m.meshgrid(a[0], a[:, 0], indexing="ij")[1],
    "ascontiguousarray": lambda m, a: m.ascontiguousarray(a.T),
    "divmod": lambda m, a: divmod(a, 3)[1],
    "cumsum": lambda m, a: m.cumsum(a, axis=1),
    "astype": lambda m, a: (a * 1.5).astype(m.int32),
    "outer": lambda m, a: m.outer(a[0], a[1]),
    "svd": lambda m, a: m.linalg.svd(a, full_matrices=False)[1],
    "qr": lambda m, a: abs(m.linalg.qr(a)[1]),
    "eigh": lambda m, a: m.linalg.eigh(a @ a.T)[0],
    "norm": lambda m, a: m.linalg.norm(a, axis=1),
    "as_strided": lambda m, a: m.lib.stride_tricks.as_strided(a, (2, 2, 2), (16, 4, 4)),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_numbers_as_numpy(cp, x, name):
    got, want = SAME[name](cp, x), SAME[name](np, x.get())
    assert isinstance(got, cp.ndarray) and got.shape == want.shape and got.dtype == want.dtype
    np.testing.assert_array_equal(got.get(), want)


def test_copyto_and_copies(cp, x):
    y = cp.zeros_like(x)
    cp.copyto(y, x, where=x > 3)
    equal(y, np.where(x.get() > 3, x.get(), 0).astype("f4"))
    for same in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.copy()):
        equal(same, x.get())
        assert not cp.shares_memory(same, x)


def test_scipy_on_the_device(cp, x):
    import cupyx.scipy.ndimage
    import cupyx.scipy.special
    import scipy.ndimage
    import scipy.special

    host = x.get()
    equal(cupyx.scipy.ndimage.gaussian_filter(x, 0.7), scipy.ndimage.gaussian_filter(host, 0.7))
    out = cp.empty_like(x)
    assert cupyx.scipy.ndimage.zoom(x, 1.0, output=out, order=1) is out
    equal(out, scipy.ndimage.zoom(host, 1.0, order=1))
    equal(cupyx.scipy.special.log_softmax(x, axis=1), scipy.special.log_softmax(host, axis=1))
    with pytest.raises(TypeError, match=UNSUPPORTED):
        cupyx.scipy.ndimage.gaussian_filter(host, 0.7)


def test_the_device_itself(cp, x):
    with cp.cuda.Device(0) as device:
        device.synchronize()
    assert x.device == device and synchronisations.count == 1
    pool = cp.get_default_memory_pool()
    pool.free_all_blocks()
    assert pool.used_bytes() == 0
    with pytest.raises(RuntimeError, match="invalid device"):
        cp.cuda.Device(1)
    probe = cp.ones((2, 2), "f4")
    assert float((probe @ probe + 1).sum()) == 12


def test_names_and_signatures_are_cupys():
    """Against the real one, which can be imported without a GPU."""
    real = pytest.importorskip("cupy", reason="CuPy is not installed")
    for name in fakecupy.UFUNCS:
        assert isinstance(getattr(real, name), real.ufunc)
    for path, bind in fakecupy.table(fakecupy.FUNCTIONS):
        f = real
        for part in path.split("."):
            f = getattr(f, part)
        try:
            theirs = inspect.signature(f).parameters.values()
        except ValueError:  # a builtin
            continue
        ours = inspect.signature(bind).parameters
        keywords = {p.name for p in theirs if p.default is not p.empty}
        wildcard = any(p.kind is p.VAR_KEYWORD for p in theirs)
        missing = {p.name for p in ours.values() if p.default is not p.empty} - keywords
        assert wildcard or not missing, f"{path}: CuPy has no {missing}"
    for name, _ in fakecupy.table(fakecupy.METHODS):
        assert hasattr(real.ndarray, name)
    for name in dir(fakecupy.ndarray):
        assert hasattr(real.ndarray, name) or name in ("_host", "__weakref__"), name

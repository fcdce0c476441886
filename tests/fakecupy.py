"""A strict stand-in for CuPy that needs no GPU: its arrays keep their values in NumPy, and hide them.

It refuses what a device refuses, so that code which is right for NumPy only fails in a test:

- no implicit way to the host: `np.asarray(x)`, `np.exp(x)` and `host[...] = x` raise TypeError;
- an operand is a device array or a scalar; NumPy arrays and lists raise TypeError;
- reductions and single elements come back as 0-d device arrays, and elements are views;
- an integer array used as an index wraps around, silently; assigning different values to one position
  through such an index is undefined on a device, and raises here;
- keywords that CuPy does not have (`where=` of a ufunc or a sum, `mode=` of take) raise TypeError;
- uninitialised memory holds NaN, or the largest integer;
- `synchronisations.count` counts every time that the host has to wait.

Signatures and names are those of CuPy 14.2. Stricter than CuPy on purpose: `np.f(x)` is refused, where CuPy
would take over, `put_along_axis` (new in CuPy 14) is left out, and so is `random`: draw on the host. Where
something that CuPy has is missing, add its line to FUNCTIONS.

    with fakecupy.install() as cupy:
        x = cupy.asarray(picture)
"""

import contextlib
import importlib
import sys
from types import ModuleType
from typing import Any

import numpy as np
from fakekernel import RawKernel, compiler

SCALARS = (bool, int, float, complex, np.generic)
ATOMIC = ("int32", "float16", "float32", "float64", "uint32", "uint64")


class Synchronisations:
    """How often the host waited for the device."""

    def __init__(self):
        self.count = 0


synchronisations = Synchronisations()


def synchronise():
    synchronisations.count += 1


# --- between host and device -------------------------------------------------------------------------


def on_device(host):
    """A device array over a NumPy array, sharing its memory."""
    if host.dtype.kind not in "biufc" or host.dtype.char in "gG":
        raise ValueError(f"Unsupported dtype {host.dtype}")
    array = object.__new__(ndarray)
    array._host = host
    return array


def wrap(result):
    """What NumPy returned, as CuPy would return it."""
    if isinstance(result, np.ndarray | np.generic):
        return on_device(np.asarray(result))
    if isinstance(result, tuple | list):
        return [wrap(r) for r in result] if isinstance(result, list) else tuple(wrap(r) for r in result)
    return result


def unwrap(value):
    """An argument for NumPy. A NumPy array among the arguments is refused."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, list):
        return [unwrap(v) for v in value]
    return tuple(unwrap(v) for v in value) if type(value) is tuple else value


def operand(value):
    """An operand for NumPy: a device array or a scalar, nothing else."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, SCALARS):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def device_only(value):
    if not isinstance(value, ndarray):
        raise TypeError(f"Unsupported type {type(value)}: expected cupy.ndarray")
    return value._host


def call(f, args, kwargs):
    """f of NumPy with device arguments; where `out` was given, that very array comes back."""
    with np.errstate(all="ignore"):  # a device raises no floating-point warnings
        result = f(*[unwrap(a) for a in args], **{k: unwrap(v) for k, v in kwargs.items()})
    return kwargs["out"] if kwargs.get("out") is not None else wrap(result)


def garbage(host):
    """What uninitialised memory may hold."""
    host[...] = np.nan if host.dtype.kind in "fc" else (np.iinfo(host.dtype).max if host.dtype.kind in "iu" else True)
    return host


def host_index(shape, key):
    """An index for NumPy: integer arrays wrap around, and a single element stays a view."""
    keys = list(key) if isinstance(key, tuple) else [key]
    for i, k in enumerate(keys):  # CuPy copies lists and NumPy arrays to the device
        if isinstance(k, ndarray):
            keys[i] = k._host
        elif isinstance(k, list | tuple):
            keys[i] = np.asarray(k) if len(k) else np.zeros(0, int)
    used = sum(k.ndim if is_mask(k) else 1 for k in keys if k is not None and k is not Ellipsis)
    if not any(k is Ellipsis for k in keys):
        keys.append(Ellipsis)
    axis = 0
    for i, k in enumerate(keys):
        if k is None:
            continue
        if k is Ellipsis:
            axis += len(shape) - used
            continue
        if isinstance(k, np.ndarray) and k.dtype.kind in "iu" and axis < len(shape) and shape[axis]:
            keys[i] = np.asarray(k % shape[axis])
        axis += k.ndim if is_mask(k) else 1
    return tuple(keys)


def is_mask(key):
    return isinstance(key, np.ndarray) and key.dtype.kind == "b"


def add_at(array, key, value):
    """cupyx.scatter_add: duplicates add up. Where the key holds arrays, the device needs an atomic add."""
    key = host_index(array.shape, key)
    if any(isinstance(k, np.ndarray) for k in key) and array.dtype.name not in ATOMIC:
        raise TypeError(f"scatter_add only supports {', '.join(ATOMIC)}; got {array.dtype}")
    np.add.at(array._host, key, operand(value))


# --- the array ---------------------------------------------------------------------------------------


class Flags:
    """CuPy knows three flags; `writeable` is none of them."""

    def __init__(self, host):
        self.c_contiguous = host.flags.c_contiguous
        self.f_contiguous = host.flags.f_contiguous
        self.owndata = host.flags.owndata

    def __getitem__(self, name):
        return getattr(self, name.lower())


class ndarray:
    """A device array. Its memory is the NumPy array `_host`, which only this module may touch."""

    __module__ = "cupy"
    __slots__ = ("__weakref__", "_host")
    __array_priority__ = 100
    __array_ufunc__ = None  # so host + device is left to the device, which refuses it
    __hash__ = None  # type: ignore[assignment]
    _host: np.ndarray

    def __init__(self, shape, dtype=float, order="C"):
        self._host = garbage(np.empty(shape, dtype, order))

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy "
            "array explicitly."
        )

    def __array_function__(self, f, types, args, kwargs):
        raise TypeError(f"numpy.{f.__name__} was called with a device array: call the function of cupy")

    # what is known without asking the device
    shape = property(lambda self: self._host.shape)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    dtype = property(lambda self: self._host.dtype)
    strides = property(lambda self: self._host.strides)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    flags = property(lambda self: Flags(self._host))
    device = property(lambda self: Device())
    T = property(lambda self: on_device(self._host.T))
    mT = property(lambda self: on_device(self._host.mT))
    real = property(lambda self: on_device(self._host.real))
    imag = property(lambda self: on_device(self._host.imag))

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    # what makes the host wait
    def get(self, stream=None, order="C", out=None, blocking=True):
        synchronise()
        if out is None:
            return np.array(self._host, order=order)
        out[...] = self._host
        return out

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def tobytes(self, order="C"):
        return self.get().tobytes(order)

    def __bool__(self):
        return bool(self.get())

    def __float__(self):
        return float(self.get())

    def __int__(self):
        return int(self.get())

    def __complex__(self):
        return complex(self.get())

    def __repr__(self):
        return repr(self.get())

    def __str__(self):
        return str(self.get())

    def __format__(self, spec):
        return format(self.get(), spec)

    def __reduce__(self):
        return asarray, (self.get(),)

    # indexing
    def __getitem__(self, key):
        key = host_index(self.shape, key)
        if any(is_mask(k) for k in key):
            synchronise()  # the size of the result is known on the device only
        return on_device(self._host[key])

    def __setitem__(self, key, value):
        key = host_index(self.shape, key)
        if not isinstance(value, (ndarray, *SCALARS)):
            raise ValueError(f"non-scalar {type(value).__module__}.{type(value).__name__} cannot be used for fill")
        given = np.array(operand(value))
        self._host[key] = given
        if given.ndim and any(isinstance(k, np.ndarray) and not is_mask(k) for k in key):
            kept = self._host[key]
            if not np.array_equal(kept, np.broadcast_to(given, kept.shape).astype(kept.dtype), equal_nan=True):
                raise RuntimeError("different values assigned to one position: undefined on a device, use add.at")

    def set(self, arr, stream=None):
        """Copy a NumPy array in: the explicit way."""
        if arr.shape != self.shape or arr.dtype != self.dtype:
            raise ValueError(f"expected {self.shape} {self.dtype}, got {arr.shape} {arr.dtype}")
        self._host[...] = arr

    def fill(self, value):
        self._host.fill(operand(value))

    # methods that CuPy does otherwise than NumPy
    def take(self, indices, axis=None, out=None):
        return take(self, indices, axis, out)

    def argsort(self, axis=-1, kind=None):
        return FUNCTION["argsort"](self, axis, kind)

    def sort(self, axis=-1, kind=None):
        self._host.sort(axis, stable_kind(kind))

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if casting is not None or subok is not None:
            raise TypeError("casting and subok are not supported yet")
        if not copy and self.dtype == dtype:
            return self
        with np.errstate(all="ignore"):
            return on_device(self._host.astype(dtype, order))

    def scatter_add(self, slices, value):
        add_at(self, slices, value)

    def nonzero(self):
        synchronise()
        return wrap(self._host.nonzero())


def define_operators():
    """`a + b`, `b + a`, `a += b` and so on, each by its ufunc."""
    binary = {
        "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "mod": "remainder",
        "floordiv": "floor_divide", "pow": "power", "and": "bitwise_and", "or": "bitwise_or",
        "xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift",
    }  # fmt: skip
    compared = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
    for name, f in {**binary, **compared, "eq": "equal", "ne": "not_equal", "divmod": "divmod"}.items():
        setattr(ndarray, f"__{name}__", operator(UFUNCS[f]))
    for name, f in {**binary, "divmod": "divmod"}.items():
        setattr(ndarray, f"__r{name}__", operator(UFUNCS[f], swapped=True))
    for name, f in binary.items():
        setattr(ndarray, f"__i{name}__", in_place(UFUNCS[f]))
    for name, f in {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}.items():
        setattr(ndarray, f"__{name}__", lambda self, f=f: UFUNCS[f](self))
    setattr(ndarray, "__matmul__", operator(FUNCTION["matmul"]))  # noqa: B010
    setattr(ndarray, "__rmatmul__", operator(FUNCTION["matmul"], swapped=True))  # noqa: B010


def operator(f, swapped=False):
    def method(self, other):
        if not isinstance(other, (ndarray, np.ndarray, *SCALARS)) and has_the_right_of_way(other):
            return NotImplemented
        return f(other, self) if swapped else f(self, other)

    return method


def in_place(f):
    def method(self, other):
        return f(self, other, out=self)

    return method


def has_the_right_of_way(other):
    """NEP 13, as CuPy follows it: `__array_ufunc__ = None` asks for the other's own operator."""
    try:
        return other.__array_ufunc__ is None
    except AttributeError:
        return getattr(other, "__array_priority__", 0) > ndarray.__array_priority__


# --- functions ---------------------------------------------------------------------------------------


class ufunc:
    """NumPy's ufunc for device arrays and scalars."""

    SCATTERS = ("add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor")

    def __init__(self, host):
        self._host, self.__name__, self.nin, self.nout = host, host.__name__, host.nin, host.nout

    def __call__(self, *args, out=None, dtype=None, casting="same_kind", **wrong):
        if wrong:
            raise TypeError(f"Wrong arguments {wrong}")
        if len(args) > self.nin:
            args, out = args[: self.nin], args[self.nin :]
        outs = out if isinstance(out, tuple) or out is None else (out,)
        given = {} if outs is None else {"out": tuple(device_only(o) for o in outs)}
        with np.errstate(all="ignore"):
            result = self._host(*[operand(a) for a in args], dtype=dtype, casting=casting, **given)
        return wrap(result) if outs is None else outs[0] if self.nout == 1 else outs

    def at(self, a, indices, b=None):
        if self.__name__ not in self.SCATTERS:
            raise NotImplementedError(f"`{self.__name__}.at` is not supported yet")
        device_only(a)
        if self.__name__ == "add":
            return add_at(a, indices, b)
        return self._host.at(a._host, host_index(a.shape, indices), operand(b))

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        if self.__name__ not in ("add", "multiply"):
            raise NotImplementedError(f"`{self.__name__}.reduce` is not supported yet")
        f = array.sum if self.__name__ == "add" else array.prod
        return f(axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def outer(self, a, b):
        return wrap(self._host.outer(operand(a), operand(b)))


UFUNC_NAMES = """
abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh
bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor
cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide divmod equal exp exp2 expm1 fabs float_power floor
floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside hypot invert isfinite isinf isnan lcm ldexp
left_shift less less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor
maximum minimum mod modf multiply negative nextafter not_equal positive pow power rad2deg radians reciprocal
remainder right_shift rint sign signbit sin sinh sqrt square subtract tan tanh true_divide trunc
"""
UFUNCS = {name: ufunc(getattr(np, name)) for name in UFUNC_NAMES.split()}

# One line per function, with CuPy's signature: what is not in it is refused. `a` has to be a device array,
# `tup` a list or tuple of them, `arrays` several; an operand is a device array or a scalar.
FUNCTIONS = """
all(a, axis=None, out=None, keepdims=False)
allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)
amax(a, axis=None, out=None, keepdims=False)
amin(a, axis=None, out=None, keepdims=False)
any(a, axis=None, out=None, keepdims=False)
append(a, values, axis=None)
arange(start, stop=None, step=1, dtype=None)
argmax(a, axis=None, dtype=None, out=None, keepdims=False)
argmin(a, axis=None, dtype=None, out=None, keepdims=False)
argpartition(a, kth, axis=-1)
argsort(a, axis=-1, kind=None)
argwhere(a)
around(a, decimals=0, out=None)
array_equal(a, b, equal_nan=False)
array_split(a, indices_or_sections, axis=0)
ascontiguousarray(a, dtype=None)
asfortranarray(a, dtype=None)
average(a, axis=None, weights=None, returned=False, *, keepdims=False)
bincount(a, weights=None, minlength=None)
broadcast_arrays(*arrays)
broadcast_to(a, shape)
clip(a, a_min, a_max, out=None)
concat(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
concatenate(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
copy(a, order='K')
copyto(a, src, casting='same_kind', where=None)
count_nonzero(a, axis=None)
cov(a, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None)
cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None)
cumprod(a, axis=None, dtype=None, out=None)
cumsum(a, axis=None, dtype=None, out=None)
diag(a, k=0)
diagonal(a, offset=0, axis1=0, axis2=1)
diff(a, n=1, axis=-1, prepend=None, append=None)
digitize(a, bins, right=False)
dot(a, b, out=None)
dstack(tup)
einsum(subscripts, *arrays, dtype=None, optimize=False)
empty(shape, dtype=float, order='C')
empty_like(a, dtype=None, order='K', subok=None, shape=None)
expand_dims(a, axis)
eye(N, M=None, k=0, dtype=float, order='C')
fill_diagonal(a, val, wrap=False)
flatnonzero(a)
flip(a, axis=None)
fliplr(a)
flipud(a)
full(shape, fill_value, dtype=None, order='C')
full_like(a, fill_value, dtype=None, order='K', subok=None, shape=None)
histogram(a, bins=10, range=None, density=False, weights=None)
hstack(tup, *, dtype=None, casting='same_kind')
identity(n, dtype=float)
imag(a)
indices(dimensions, dtype=int)
inner(a, b)
interp(a, xp, fp, left=None, right=None, period=None)
isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)
iscomplexobj(a)
isin(a, test_elements, assume_unique=False, invert=False)
kron(a, b)
linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0)
matmul(a, b, out=None, *, axes=None, axis=None, dtype=None, casting='same_kind')
max(a, axis=None, out=None, keepdims=False)
may_share_memory(a, b, max_work=None)
mean(a, axis=None, dtype=None, out=None, keepdims=False)
median(a, axis=None, out=None, overwrite_input=False, keepdims=False)
meshgrid(*arrays, **kwargs)
min(a, axis=None, out=None, keepdims=False)
moveaxis(a, source, destination)
nan_to_num(a, copy=True, nan=0.0, posinf=None, neginf=None)
nanmax(a, axis=None, out=None, keepdims=False)
nanmean(a, axis=None, dtype=None, out=None, keepdims=False)
nanmin(a, axis=None, out=None, keepdims=False)
nansum(a, axis=None, dtype=None, out=None, keepdims=False)
ndim(a)
nonzero(a)
ones(shape, dtype=float, order='C')
ones_like(a, dtype=None, order='K', subok=None, shape=None)
outer(a, b, out=None)
pad(a, pad_width, mode='constant', **kwargs)
partition(a, kth, axis=-1)
percentile(a, q, axis=None, out=None, overwrite_input=False, method='linear', keepdims=False)
permute_dims(a, axes=None)
prod(a, axis=None, dtype=None, out=None, keepdims=False)
ptp(a, axis=None, out=None, keepdims=False)
quantile(a, q, axis=None, out=None, overwrite_input=False, method='linear', keepdims=False)
ravel(a, order='C')
real(a)
repeat(a, repeats, axis=None)
reshape(a, newshape, order='C', *, copy=None)
roll(a, shift, axis=None)
rollaxis(a, axis, start=0)
rot90(a, k=1, axes=(0, 1))
round(a, decimals=0, out=None)
searchsorted(a, v, side='left', sorter=None)
shape(a)
shares_memory(a, b, max_work=None)
sinc(a)
size(a, axis=None)
sort(a, axis=-1, kind=None)
split(a, indices_or_sections, axis=0)
squeeze(a, axis=None)
stack(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
sum(a, axis=None, dtype=None, out=None, keepdims=False)
swapaxes(a, axis1, axis2)
tensordot(a, b, axes=2)
tile(a, reps)
trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None)
transpose(a, axes=None)
tri(N, M=None, k=0, dtype=float)
tril(a, k=0)
triu(a, k=0)
unique(a, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True)
unravel_index(a, dims, order='C')
unwrap(a, discont=None, axis=-1, *, period=6.283185307179586)
var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
vdot(a, b)
vstack(tup, *, dtype=None, casting='same_kind')
where(a, x=None, y=None)
zeros(shape, dtype=float, order='C')
zeros_like(a, dtype=None, order='K', subok=None, shape=None)
fft.fft(a, n=None, axis=-1, norm=None)
fft.fftfreq(n, d=1.0)
fft.ifft(a, n=None, axis=-1, norm=None)
fft.irfft(a, n=None, axis=-1, norm=None)
fft.irfft2(a, s=None, axes=(-2, -1), norm=None)
fft.rfft(a, n=None, axis=-1, norm=None)
fft.rfft2(a, s=None, axes=(-2, -1), norm=None)
fft.rfftfreq(n, d=1.0)
linalg.cholesky(a)
linalg.det(a)
linalg.eigh(a, UPLO='L')
linalg.eigvalsh(a, UPLO='L')
linalg.inv(a)
linalg.lstsq(a, b, rcond=None)
linalg.norm(a, ord=None, axis=None, keepdims=False)
linalg.pinv(a, rcond=1e-15)
linalg.qr(a, mode='reduced')
linalg.solve(a, b)
linalg.svd(a, full_matrices=True, compute_uv=True)
lib.stride_tricks.as_strided(a, shape=None, strides=None)
lib.stride_tricks.sliding_window_view(a, window_shape, axis=None, *, subok=False, writeable=False)
"""

# The same for methods; `self` is the first argument.
METHODS = """
all(axis=None, out=None, keepdims=False)
any(axis=None, out=None, keepdims=False)
argmax(axis=None, out=None, dtype=None, keepdims=False)
argmin(axis=None, out=None, dtype=None, keepdims=False)
argpartition(kth, axis=-1)
clip(min=None, max=None, out=None)
conj()
copy(order='C')
cumprod(axis=None, dtype=None, out=None)
cumsum(axis=None, dtype=None, out=None)
diagonal(offset=0, axis1=0, axis2=1)
dot(b, out=None)
flatten(order='C')
max(axis=None, out=None, keepdims=False)
mean(axis=None, dtype=None, out=None, keepdims=False)
min(axis=None, out=None, keepdims=False)
partition(kth, axis=-1)
prod(axis=None, dtype=None, out=None, keepdims=False)
ravel(order='C')
repeat(repeats, axis=None)
reshape(*shape, order='C', copy=None)
round(decimals=0, out=None)
searchsorted(v, side='left', sorter=None)
squeeze(axis=None)
std(axis=None, dtype=None, out=None, ddof=0, keepdims=False)
sum(axis=None, dtype=None, out=None, keepdims=False)
swapaxes(axis1, axis2)
trace(offset=0, axis1=0, axis2=1, dtype=None, out=None)
transpose(*axes)
var(axis=None, dtype=None, out=None, ddof=0, keepdims=False)
view(dtype=None)
"""

WAITS = {"argwhere", "bincount", "flatnonzero", "nonzero", "unique", "unravel_index"}
ON_THE_HOST = {"iscomplexobj", "may_share_memory", "ndim", "shape", "shares_memory", "size"}
OPERANDS = {"b", "v", "src", "fill_value"}
OPTIONAL = {"x", "y"}


def table(lines):
    """(path, a function that returns its arguments by name or raises TypeError) per line."""
    for line in lines.strip().splitlines():
        path, _, signature = line.partition("(")
        name = path.rpartition(".")[2]
        scope: dict[str, Any] = {}
        exec(f"def {name}({signature}:\n    return locals()", scope)
        yield path, scope[name]


def check(given):
    """Device arrays where arrays are due."""
    if not isinstance(given.get("tup", []), list | tuple):
        raise TypeError("Only tuple or list is supported")
    for array in (*given.get("tup", ()), *given.get("arrays", ())):
        device_only(array)
    if "a" in given:
        device_only(given["a"])
    for key in (OPERANDS | OPTIONAL) & given.keys():
        if key in OPERANDS or given[key] is not None:
            operand(given[key])


def function(path, bind):
    """NumPy's function of that path, behind CuPy's signature."""
    name = path.rpartition(".")[2]
    host: Any = np
    for part in path.split("."):
        host = getattr(host, part)

    def delegate(*args, **kwargs):
        given = bind(*args, **kwargs)
        check(given)
        if name in WAITS or (name == "where" and given["x"] is None):
            synchronise()
        if "kind" in given:
            return wrap(host(given["a"]._host, given["axis"], stable_kind(given["kind"])))
        result = call(host, args, kwargs)
        if name in ("empty", "empty_like"):
            garbage(result._host)
        if isinstance(result, bool | int | float) and name not in ON_THE_HOST:
            return on_device(np.asarray(result))
        return result

    delegate.__name__ = name
    return delegate


def method(name, bind):
    """NumPy's method, behind CuPy's signature."""

    def delegate(self, *args, **kwargs):
        check(bind(*args, **kwargs))
        result = call(getattr(self._host, name), args, kwargs)
        return self if isinstance(result, ndarray) and result._host is self._host else result

    delegate.__name__ = name
    return delegate


FUNCTION = {path: function(path, bind) for path, bind in table(FUNCTIONS)}
for _name, _bind in table(METHODS):
    setattr(ndarray, _name, method(_name, _bind))
define_operators()


def stable_kind(kind):
    if kind not in (None, "stable"):
        raise ValueError(f"kind={kind!r}: CuPy's sort is stable and takes no other kind")
    return "stable"


def take(a, indices, axis=None, out=None):
    """Out-of-range indices wrap around."""
    index = indices._host if isinstance(indices, ndarray) else np.asarray(unwrap(indices))
    result = wrap(np.take(device_only(a), index, axis, mode="wrap"))
    if out is None:
        return result
    out[...] = result
    return out


def take_along_axis(a, indices, axis):
    """Out-of-range indices wrap around."""
    length = a.size if axis is None else a.shape[axis]
    return wrap(np.take_along_axis(device_only(a), device_only(indices) % length, axis))


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0):
    """From the host, or a copy on the device. A list may hold device arrays."""
    if not copy and isinstance(obj, ndarray) and (dtype is None or obj.dtype == dtype):
        return obj
    return on_device(np.array(nested(obj), dtype=dtype, order=order, ndmin=ndmin))


def nested(obj):
    if isinstance(obj, ndarray):
        return obj._host
    return [nested(o) for o in obj] if isinstance(obj, list | tuple) else obj


def asarray(a, dtype=None, order=None):
    return array(a, dtype, copy=False, order=order or "K")


def asnumpy(a, stream=None, order="C", out=None, blocking=True):
    return a.get(stream, order, out, blocking) if isinstance(a, ndarray) else np.asarray(a)


def get_array_module(*args):
    return cupy if any(isinstance(a, ndarray) for a in args) else np


def result_type(*arrays_and_dtypes):
    return np.result_type(*[unwrap(a) for a in arrays_and_dtypes])


# --- the device --------------------------------------------------------------------------------------


class Device:
    """The only device, number 0."""

    def __init__(self, device=0):
        if int(device) != 0:
            raise CUDARuntimeError(f"cudaErrorInvalidDevice: invalid device ordinal {device}")
        self.id = 0
        self.mem_info = (2**33, 2**33)
        self.compute_capability = "90"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def __eq__(self, other):
        return isinstance(other, Device)

    def __hash__(self):
        return 0

    def use(self):
        pass

    def synchronize(self):
        synchronise()


class Stream:
    null: "Stream"

    def synchronize(self):
        synchronise()


Stream.null = Stream()


class CUDARuntimeError(RuntimeError):
    pass


class MemoryPool:
    """Keeps nothing."""

    def used_bytes(self):
        return 0

    def total_bytes(self):
        return 0

    def free_all_blocks(self, stream=None):
        pass

    def set_limit(self, size=None, fraction=None):
        pass


POOL = MemoryPool()


# --- the modules -------------------------------------------------------------------------------------


def module(name, **contents):
    made = ModuleType(name)
    for key, value in contents.items():
        setattr(made, key, value)
    return made


def missing(name):
    if name == "random":
        raise AttributeError("cupy.random is left out: draw on the host, so that every device sees the same numbers")
    raise AttributeError(f"the stand-in for CuPy has no {name!r}; if CuPy has it, add it to tests/fakecupy.py")


def from_scipy(package):
    """A module of cupyx.scipy: SciPy's function of that name, with device arrays in and out."""

    def find(name):
        if name.startswith("__"):
            raise AttributeError(name)
        f = getattr(importlib.import_module(f"scipy.{package}"), name)

        def delegate(*args, output=None, **kwargs):
            if not isinstance(output, ndarray):  # a dtype, or nothing
                return call(f, args, kwargs if output is None else {**kwargs, "output": output})
            call(f, args, {**kwargs, "output": output})
            return output

        return delegate

    return module(f"cupyx.scipy.{package}", __getattr__=find)


@contextlib.contextmanager
def errstate(*, divide=None, over=None, under=None, invalid=None, linalg=None):
    yield


SHARED_NAMES = """
bool bool_ complex64 complex128 double float16 float32 float64 int8 int16 int32 int64 int_ intp single uint8 uint16
uint32 uint64 floating integer inexact generic number dtype finfo iinfo issubdtype promote_types can_cast isscalar
broadcast_shapes pi e inf nan newaxis
"""


def functions_of(path):
    """The functions directly below a path, such as "linalg."."""
    found = {p.removeprefix(path): f for p, f in FUNCTION.items() if p.startswith(path)}
    return {name: f for name, f in found.items() if "." not in name}


linalg = module("cupy.linalg", LinAlgError=np.linalg.LinAlgError, **functions_of("linalg."))
fft = module("cupy.fft", **functions_of("fft."))
stride_tricks = module("cupy.lib.stride_tricks", **functions_of("lib.stride_tricks."))
lib = module("cupy.lib", stride_tricks=stride_tricks)
runtime = module("cupy.cuda.runtime", CUDARuntimeError=CUDARuntimeError, getDeviceCount=lambda: 1)
cuda = module("cupy.cuda", Device=Device, Stream=Stream, runtime=runtime, is_available=lambda: True)
cupy = module(
    "cupy",
    __getattr__=missing,
    __version__="14.2.0",
    ndarray=ndarray,
    ufunc=ufunc,
    fft=fft,
    linalg=linalg,
    lib=lib,
    cuda=cuda,
    is_available=lambda: True,
    get_default_memory_pool=lambda: POOL,
    get_default_pinned_memory_pool=lambda: POOL,
    **{name: getattr(np, name) for name in SHARED_NAMES.split()},
    **UFUNCS,
    **functions_of(""),
    **({"RawKernel": RawKernel} if compiler() else {}),
    **{f.__name__: f for f in (take, take_along_axis, array, asarray, asnumpy, get_array_module, result_type)},
)
ndimage, special = from_scipy("ndimage"), from_scipy("special")
cupyx_scipy = module("cupyx.scipy", ndimage=ndimage, special=special, get_array_module=get_array_module)
cupyx = module("cupyx", scatter_add=add_at, errstate=errstate, scipy=cupyx_scipy)

MODULES = {
    m.__name__: m for m in (cupy, fft, linalg, lib, stride_tricks, cuda, runtime, cupyx, cupyx_scipy, ndimage, special)
}


@contextlib.contextmanager
def install():
    """`import cupy` finds the stand-in until the block ends; the count of synchronisations starts at 0."""
    before = {name: sys.modules.get(name) for name in MODULES}
    sys.modules.update(MODULES)
    synchronisations.count = 0
    try:
        yield cupy
    finally:
        for name, old in before.items():
            if old is None:
                del sys.modules[name]
            else:
                sys.modules[name] = old

"""A network that can be run: its table of rows with weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import DTYPE, Array, array_module, check_device, gpu_module, to_device, to_host, told_if_full
from ..errors import InputError, WeightFileError
from ..pictures import for_net
from ..primitives import gpu, recompute
from ..primitives.winograd import WinogradPlan
from ..tape import Tensor
from ..weights import WeightFile
from .architecture import Architecture, ReceptiveField, Row, WeightTable, relus_at_once
from .layers import AvgPool, MaxPool


class LazyWeights(Mapping):
    """The weights of a network, read from their file row by row when a row is first needed, and read-only."""

    def __init__(self, source: WeightFile | WeightTable, rows: Sequence[str], device: str, dtype: np.dtype):
        self.source = source
        self._rows, self._device, self._dtype = tuple(rows), device, dtype
        self._read: dict[str, Mapping[str, Array]] = {}
        self._plans: dict[str, WinogradPlan] = {}

    def __getitem__(self, row: str) -> Mapping[str, Array]:
        if row not in self._rows:
            raise KeyError(row)
        if row not in self._read:
            arrays: Mapping[str, Array]
            if isinstance(self.source, WeightFile):
                arrays = self.source.read(row, dtype=self._dtype)
            elif row in self.source:
                arrays = self.source[row]
            else:
                raise WeightFileError(f"no weights for row {row}; there are some for {', '.join(self.source)}")
            ready = {name: self._ready(array) for name, array in arrays.items()}
            self._read.setdefault(row, ready)  # another thread may have been sooner: all must see the same arrays
        return self._read[row]

    def planned(self, row: str) -> Mapping[str, Any]:
        """Return the weights of `row` with the plan of a fast path, if one may fit; {} for a row without weights."""
        if row not in self:
            return {}
        weights = self[row]
        kernel = weights["kernel"]
        if row not in self._plans and kernel.shape[:2] == (3, 3):
            self._plans.setdefault(row, WinogradPlan(kernel))
        return {**weights, "plan": self._plans.get(row)}

    def _ready(self, array: Array) -> Array:
        array = to_device(array, self._device).astype(self._dtype, copy=False)
        if isinstance(array, np.ndarray):
            array = array.view()
            array.flags.writeable = False
        return array

    def __contains__(self, row: object) -> bool:  # the inherited one would read the weights to find out
        return row in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class Net:
    """A network: named rows, with weights.

    Parameters
    ----------
    architecture : Architecture
    weights : WeightFile or mapping
        A file, or arrays by row and then "kernel" and "bias": not copied, and not to be changed afterwards.
    device : {"cpu", "gpu"}
    dtype : dtype
        float32 or float64; pictures are taken to it.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("minivgg")
    >>> net.shapes(upto="pool1")["pool1"]
    (48, 48, 16)
    """

    def __init__(
        self, architecture: Architecture, weights: WeightFile | WeightTable, device: str = "cpu", dtype: Any = DTYPE
    ):
        self.architecture = architecture
        self.device = check_device(device)
        if device == "gpu":
            gpu.why_not(gpu_module())  # the kernels are compiled and checked now, not in the middle of a pass
        self.dtype = np.dtype(dtype)
        if self.dtype.kind != "f":
            raise InputError(f"a network computes in float32 or float64, not in {self.dtype}")
        self.weights = LazyWeights(weights, tuple(architecture.parameters), self.device, self.dtype)
        self.kept: tuple[str, ...] = ()

    def checkpointed(self, rows: Sequence[str] | None = None) -> Net:
        """Return this network, with the same weights, recording less: pieces are computed again on the walk back.

        Between two of `rows` nothing is held from the forward pass to the backward one. Every method gives the same
        numbers with it, for about one forward pass more, and in less memory: for pictures that would not fit otherwise.
        (VGG16 at 512 x 512 up to relu5_3: 342 in place of 424 MiB. Its first block alone is most of that.)

        Parameters
        ----------
        rows : list of str, optional
            Where to cut. Default: the pools. A row that later rows reach around (inside a branch) cuts nothing.
        """
        if rows is None:
            pools = (row.name for row in self.architecture.rows.values() if isinstance(row.layer, MaxPool | AvgPool))
            rows = tuple(pools)
        return self._keeping(tuple(self.architecture.check(name) for name in rows))

    def _keeping(self, rows: tuple[str, ...]) -> Net:
        other = object.__new__(Net)  # not copy.copy, which would load the weights once more
        other.__dict__ = {**self.__dict__, "kept": rows}
        return other

    name = property(lambda self: self.architecture.name, doc="The network's name.")
    names = property(lambda self: self.architecture.names, doc="The names of its rows, in order.")
    labels = property(lambda self: self.architecture.labels, doc="The names of its classes.")
    logits = property(lambda self: self.architecture.logits, doc="The row before the softmax.")
    maps = property(lambda self: self.architecture.maps, doc="The last row of maps, after its ReLU.")
    size = property(lambda self: self.architecture.size, doc="Height and width of its pictures.")

    @property
    def mean_colour(self) -> Array:
        """The RGB colour, 0..255, that its preprocessing takes to zero: shape (3,), in the net's library and dtype."""
        return to_device(np.asarray(self.architecture.normalize.zero_colour, self.dtype), self.device)

    @property
    def path(self) -> str | None:
        """The file the weights come from, if they come from one."""
        source = self.weights.source
        return str(source.path) if isinstance(source, WeightFile) else None

    def __reduce__(self) -> tuple:
        """Pickle as name and path, so that worker processes load the weights themselves."""
        if self.path is None:
            return Net, (self.architecture, self.weights.source, self.device, self.dtype), {"kept": self.kept}
        from . import load

        return load, (self.name, self.path, self.device, self.dtype), {"kept": self.kept}

    def __repr__(self) -> str:
        return (
            f"<Net {self.name}: {len(self.names)} rows, {self.dtype} on {self.device}, weights {self.path or 'given'}>"
        )

    def __str__(self) -> str:
        return self.architecture.summary()

    def shapes(self, size: int | tuple[int, int] | None = None, upto: str | None = None) -> dict[str, tuple]:
        """Return the output shape of each row for one picture of `size` (default: the size trained for)."""
        return self.architecture.shapes(size, upto)

    def receptive_field(self, row: str) -> ReceptiveField:
        """Return which pixels a unit of `row` sees."""
        return self.architecture.receptive_fields[self.architecture.check(row)]

    def __call__(self, x: Any) -> Any:
        """Return the last row, the probabilities of the classes: (N, K)."""
        return self.capture(x, [self.names[-1]])[self.names[-1]]

    def capture(
        self,
        x: Any,
        names: Sequence[str],
        weights: WeightTable | None = None,
        rng: np.random.Generator | None = None,
    ) -> dict[str, Any]:
        """Return the outputs of the rows called `names`, computing nothing else.

        Parameters
        ----------
        x : ndarray or Tensor, shape (N, H, W, 3); or a mapping
            RGB pictures, 0..255. A mapping gives the values of any rows, for example ``{"pool5": maps}``: what lies
            above them is computed from there. What is a Tensor is recorded.
        names : list of str
        weights : mapping, optional
            Weights to use in place of the network's own, by row: a trainer passes Tensors here.
        rng : numpy.random.Generator, optional
            Switches dropout on.

        Returns
        -------
        dict
            The outputs by name.

        Raises
        ------
        UnknownName
            If there is no such row (a KeyError).
        InputError
            If the picture does not fit (a ValueError).
        WeightFileError
            If the weight file ends before a row that is needed.
        """
        names = [names] if isinstance(names, str) else list(names)
        given = dict(x) if isinstance(x, Mapping) else {"input": x}
        if "input" in given:
            given["input"] = self.check_picture(given["input"])
        rows = self.architecture.ancestors(names, given)
        if self.kept and weights is None and rng is None and [type(v) for v in given.values()] == [Tensor]:
            return self._capture_in_pieces(given, names, rows)
        readers = Counter(name for row in rows for name in row.inputs)
        readers.update(names)  # what was asked for always has a reader left
        relus = relus_at_once(rows, readers)
        values = dict(given)
        for row in rows:
            if row.name == "input":
                raise InputError(f"{names} cannot be computed from {sorted(given)} alone: give 'input' too")
            if row.name in values:  # computed together with the row before
                continue
            values[relus.get(row.name, row.name)] = self._run(row, values, weights, rng, row.name in relus)
            for name in row.inputs:
                readers[name] -= 1
                if not readers[name]:
                    del values[name]
        return {name: values[name] for name in names}

    def _capture_in_pieces(self, given: Mapping[str, Any], names: list[str], rows: list[Row]) -> dict[str, Any]:
        """Do what `capture` does, with `recompute` for each piece from which only its last row is wanted."""
        whole = self._keeping(())
        ends = self.architecture.bottlenecks(rows) & {*self.kept, *names}
        found, piece = dict(given), []
        for row in rows:
            piece.append(row.name)
            if row.name in ends:
                (start, x), *_ = given.items()
                if set(piece[:-1]) & set(names):  # inside a branch
                    given = whole.capture(given, [name for name in piece if name in names or name == row.name])
                    found |= given
                    given = {row.name: given[row.name]}
                else:
                    given = {row.name: recompute(x, function=_between(whole, start, row.name))}
                    found |= given
                piece = []
        rest = [name for name in names if name not in found]
        found |= whole.capture(given, rest)
        return {name: found[name] for name in names}

    def _run(
        self, row: Row, values: Mapping[str, Any], weights: WeightTable | None, rng: Any, rectify: bool = False
    ) -> Any:
        given = (weights or {}).get(row.name)
        used = self.weights.planned(row.name) if given is None else given
        inputs = [values[name] for name in row.inputs]
        try:
            with told_if_full(f"computing {row.name} of {self.name} from {', '.join(str(x.shape) for x in inputs)}"):
                return row.layer(*inputs, weights=used, rng=rng, **({"rectify": True} if rectify else {}))
        except InputError as error:
            raise InputError(f"{row.name} in {self.name}: {error}") from None

    def picture(self, source: Any, size: int | None = None) -> Array:
        """Read a picture as this network wants it: (1, size, size, 3), float RGB 0..255, on its device.

        The short side is resized to round(256/224 of `size`) by Pillow's bicubic filter, and the centre cut out.
        """
        return to_device(for_net(source, size or self.size).astype(self.dtype, copy=False), self.device)

    def top(self, x: Any, k: int = 5) -> list[list[tuple[str, float]]]:
        """Return the `k` most probable classes of each picture, as (name, probability)."""
        probabilities = self(x)
        probabilities = to_host(probabilities.value if isinstance(probabilities, Tensor) else probabilities)
        order = np.argsort(-probabilities, axis=-1, kind="stable")[:, : max(0, k)]
        return [[(self.labels[i], float(p[i])) for i in best] for p, best in zip(probabilities, order, strict=True)]

    def check_picture(self, x: Any) -> Any:
        """Return `x` (an array or Tensor) if it is a batch of pictures, a plain array in the network's dtype."""
        shape = getattr(x, "shape", None)
        if shape is None or not hasattr(x, "dtype"):
            raise InputError(
                f"{self.name} expects an array (N, H, W, 3), got {type(x).__name__}: use net.picture(path)"
            )
        if len(shape) != 4 or shape[3] != 3:
            hint = ""
            if len(shape) == 4 and shape[1] == 3:
                hint = ": is the picture channels-first?"
            elif len(shape) == 3 and shape[2] == 3:
                hint = ": add an axis for the batch, x[None]"
            raise InputError(f"{self.name} expects pictures (N, H, W, 3), channels last, got {tuple(shape)}{hint}")
        value = x.value if isinstance(x, Tensor) else x
        if (array_module(value) is np) != (self.device == "cpu"):
            raise TypeError(
                f"the picture is a {type(value).__module__}.{type(value).__name__}, the network is on the "
                f"{self.device}: bring it there with minivis.to_device(x, {self.device!r})"
            )
        if isinstance(x, Tensor):
            if x.dtype != self.dtype:
                raise InputError(f"the picture is a Tensor of {x.dtype}, the network of {self.dtype}: convert it first")
            return x
        if x.dtype.kind not in "uif":
            raise InputError(f"{self.name} expects numbers 0..255, got {x.dtype}")
        return x.astype(self.dtype, copy=False)


def _between(net: Net, start: str, end: str) -> Callable[[Any], Any]:
    """Return the function from the values of one row to those of another."""
    return lambda x: net.capture({start: x}, [end])[end]

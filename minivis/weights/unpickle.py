"""What `torch.save` writes, read as data.

A pickle is a program: its opcodes build objects on a stack, and some import and call whatever the file names. Python's
own `pickle` runs it. Here the standard library's `pickletools` only names the opcodes, and this module gives a meaning
to the few that a table of tensors needs. What a file "calls" is looked up in `CALLS`, whose entries make records, and
nothing is ever imported. (torch.load with weights_only=True has the same aim; it needs PyTorch, and was itself got
round twice: CVE-2025-32434, CVE-2026-24747.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

from .container import NAMES_LIMIT, StrPath, complaint

# Ours to read: floats, as NumPy calls them. Others are known by name, so that a message can say what they are.
FLOATS = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2"}
OTHERS = ("Long", "Int", "Short", "Char", "Byte", "Bool", "BFloat16")
STORAGES = {f"torch {name}": dtype for name, dtype in FLOATS.items()} | {f"torch {k}Storage": k for k in OTHERS}
DIGITS_LIMIT = 9  # bytes of a whole number: sizes and strides are below 2**63


class Storage(NamedTuple):
    """A run of numbers in the file: `dtype` as NumPy writes it, or PyTorch's word for one that is not read."""

    key: str
    dtype: str
    numbers: int


class StoredTensor(NamedTuple):
    """A tensor as a view of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Named(NamedTuple):
    """A class or function that the pickle names; it is not imported."""

    name: str


def _dict(items: Any = ()) -> dict:
    return _with({}, [part for item in items for part in _pair(item)])


def _pair(item: Any) -> list:
    if type(item) not in (list, tuple) or len(item) != 2:
        raise ValueError("an entry of a dict that is no pair")
    return list(item)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> StoredTensor:
    whole = all(type(n) is int for n in (offset, *shape, *strides))
    if not isinstance(storage, Storage) or type(shape) is not tuple or type(strides) is not tuple or not whole:
        raise ValueError("a tensor that is not described by a storage and whole numbers")
    return StoredTensor(storage, offset, shape, strides)


def _parameter(tensor: Any, *rest: Any) -> StoredTensor:
    if not isinstance(tensor, StoredTensor):
        raise ValueError("a parameter that is no tensor")
    return tensor


CALLS: dict[str, Callable[..., Any]] = {
    "collections OrderedDict": _dict,
    "torch._utils _rebuild_tensor": _tensor,  # before PyTorch 0.4
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": _parameter,
    "torch.nn.parameter Parameter": _parameter,  # before PyTorch 0.2
}
KNOWN = frozenset(CALLS) | frozenset(STORAGES)


@dataclass
class Reader:
    """One pickle, read opcode by opcode."""

    path: StrPath
    storages: dict[str, Storage] = field(default_factory=dict)

    def read(self, stream: IO[bytes]) -> Any:
        """Return what the pickle at the stream's position describes; the stream is left behind its end.

        Raises
        ------
        WeightFileError
            It names something that is no part of a table of tensors.
        ValueError, IndexError, KeyError, TypeError
            It is damaged.
        """
        import pickletools

        stack: list[Any] = []
        marks: list[int] = []
        memo: dict[int, Any] = {}

        def since_mark() -> list[Any]:
            start = marks.pop()
            items = stack[start:]
            del stack[start:]
            return items

        argument: Any
        for opcode, argument, _ in pickletools.genops(stream):
            match opcode.name:
                case "STOP":
                    return stack.pop()
                case "PROTO" | "FRAME":
                    pass
                case "MARK":
                    marks.append(len(stack))
                case "BININT" | "BININT1" | "BININT2" | "BINFLOAT" | "BINUNICODE" | "SHORT_BINUNICODE":
                    stack.append(argument)
                case "BINSTRING" | "SHORT_BINSTRING":  # Python 2's text
                    stack.append(argument)
                case "LONG1":
                    stack.append(self._whole(argument))
                case "NONE" | "NEWTRUE" | "NEWFALSE":
                    stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[opcode.name])
                case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                    stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}[opcode.name]())
                case "TUPLE":
                    stack.append(tuple(since_mark()))
                case "TUPLE1" | "TUPLE2" | "TUPLE3":
                    count = int(opcode.name[-1])
                    stack[-count:] = [tuple(stack[-count:])]
                case "APPEND" | "APPENDS":
                    items = [stack.pop()] if opcode.name == "APPEND" else since_mark()
                    _expected(list, stack[-1]).extend(items)
                case "SETITEM" | "SETITEMS":
                    value_last = [stack.pop(), stack.pop()][::-1] if opcode.name == "SETITEM" else since_mark()
                    _with(_expected(dict, stack[-1]), value_last)
                case "BINPUT" | "LONG_BINPUT":
                    memo[argument] = stack[-1]
                case "MEMOIZE":
                    memo[len(memo)] = stack[-1]
                case "BINGET" | "LONG_BINGET":
                    stack.append(memo[argument])
                case "GLOBAL":
                    stack.append(self._named(argument))
                case "STACK_GLOBAL":
                    name, module = _expected(str, stack.pop()), _expected(str, stack.pop())
                    stack.append(self._named(f"{module} {name}"))
                case "BINPERSID":
                    stack.append(self._storage(stack.pop()))
                case "REDUCE":
                    arguments = _expected(tuple, stack.pop())
                    stack.append(CALLS[_expected(Named, stack.pop()).name](*arguments))
                case "BUILD":  # the attributes of a dict or parameter: versions, hooks; of no use here
                    stack.pop()
                case other:
                    raise complaint(self.path, f"its pickle has the opcode {other}, which no table of tensors needs")
        raise ValueError("the pickle does not end")

    def _whole(self, number: int) -> int:
        if number.bit_length() > 8 * DIGITS_LIMIT + 16:  # the magic number of old files has ten bytes
            raise ValueError("a whole number of unreasonable size")
        return number

    def _named(self, name: str) -> Named:
        if name not in KNOWN:
            raise complaint(
                self.path,
                f"its pickle asks for {name[:100]!r}, which is refused, and nothing was run: only tables of tensors "
                "are read, as torch.save(model.state_dict(), path) writes them",
            )
        return Named(name)

    def _storage(self, description: Any) -> Storage:
        kind, named, key, _, numbers, *view = _expected(tuple, description)
        dtype = STORAGES[_expected(Named, named).name]
        if kind != "storage" or type(key) is not str or type(numbers) is not int or numbers < 0 or any(view):
            raise ValueError("a storage of unknown make")
        storage = self.storages.setdefault(key, Storage(key, dtype, numbers))
        if storage != (key, dtype, numbers):
            raise ValueError(f"two storages of the name {key[:40]!r}")
        if len(self.storages) > NAMES_LIMIT:
            raise ValueError(f"more than {NAMES_LIMIT} storages")
        return storage


def _expected(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"found a {type(value).__name__} where a {kind.__name__} must be")
    return value


def _with(table: dict, items: list) -> dict:
    """Put keys and values, in turn, into the table."""
    if len(items) % 2:
        raise ValueError("a key without a value")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) not in (str, int):  # the hash of nested tuples can take for ever
            raise ValueError(f"a {type(key).__name__} as the key of a dict")
        table[key] = value
    return table

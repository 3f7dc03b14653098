"""Restricted unpickler: reads arrays from pickle and joblib files without running any code in them.

A pickle is a program: loading it in the ordinary way can run any command. This unpickler has only
the operations that plain data needs, and replaces the classes that a file names by stand-ins of its
own. It reads numbers, texts, lists, tuples, dicts with text keys, numpy arrays of numbers, CPU
tensors of torch as arrays, and named tuples that the caller lists. Any other content, and any size
beyond the bytes of the file, is an error.

Formats: pickle protocols 2 to 5; joblib's array records (arrays lie raw in the stream after their
description); torch's older tensor storage. Read from the libraries' sources and checked against
files that they write.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from collections import namedtuple
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from musclehand.motion.fingertip_track import MotionFileError

_MALFORMED = (
    pickle.UnpicklingError,
    EOFError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    AttributeError,
    struct.error,
    OverflowError,
    MemoryError,
    AssertionError,
    RecursionError,
    SyntaxError,  # numpy's, of a damaged name of a dtype such as ",8"
)
_KINDS = {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,)}
"""Kinds of numbers in arrays, and their sizes [bytes]."""

_STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "ByteStorage": "<u1",
    "BoolStorage": "<b1",
}
"""Classes of torch's tensor storages, and their numbers."""

_OPERATIONS = """PROTO STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2
    LONG1 BINFLOAT BINBYTES SHORT_BINBYTES BINBYTES8 BINUNICODE SHORT_BINUNICODE BINUNICODE8
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT
    GLOBAL STACK_GLOBAL REDUCE NEWOBJ BINGET LONG_BINGET BINPUT LONG_BINPUT MEMOIZE
    BINPERSID"""
"""Operations of the pickle machine that are allowed."""

MAX_READS = 5_000_000
"""Most reads of a file; they take some seconds."""

# Python's own implementation of the machine: its table of operations can be reduced.
_Pure: Any = pickle._Unpickler


class _Forbidden(Exception):
    """The file holds something other than plain data."""


class _Counted(io.BytesIO):
    """The bytes of a file, for a limited number of reads."""

    reads = 0

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise _Forbidden("more single values than a motion has")
        return super().read(size)


class _Dtype:
    """Stand-in for numpy.dtype, for plain numbers only."""

    def __init__(self, name: Any, *_: Any) -> None:
        kind = np.dtype(name) if isinstance(name, str) and len(name) <= 3 else None
        if kind is None or kind.itemsize not in _KINDS.get(kind.kind, ()):
            raise _Forbidden(f"an array of {name!r}: only plain numbers are read")
        self.value: np.dtype[Any] = kind

    def build(self, state: Any, _: Any) -> None:
        if state[1] in ("<", ">"):
            self.value = self.value.newbyteorder(state[1])


class _Array:
    """Stand-in for a numpy array, which is described first and filled later."""

    value: np.ndarray | None = None

    def build(self, state: Any, _: Any) -> None:
        _, shape, dtype, fortran, raw = state
        self.value = _shaped(raw, dtype, shape, "F" if fortran else "C")


class _JoblibArray(_Array):
    """Stand-in for joblib's array record: the numbers follow in the stream, behind padding."""

    @override
    def build(self, state: Any, machine: Any) -> None:
        shape = state["shape"]
        dtype = state["dtype"]
        stream = machine.stream
        if state.get("numpy_array_alignment_bytes") is not None:
            stream.read(stream.read(1)[0])
        raw = stream.read(_count(shape) * dtype.value.itemsize)
        self.value = _shaped(raw, dtype, shape, state["order"])


def _count(shape: Any) -> int:
    """Number of elements of a shape."""
    if not isinstance(shape, tuple) or len(shape) > 8:
        raise _Forbidden("an array with an impossible shape")
    if not all(type(n) is int and n >= 0 for n in shape):
        raise _Forbidden("an array with an impossible shape")
    return math.prod(shape)


def _shaped(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """The array whose bytes are exactly `raw`."""
    is_plain = isinstance(dtype, _Dtype) and isinstance(raw, bytes | bytearray)
    if not is_plain or order not in ("C", "F"):
        raise _Forbidden("an array that is not of plain numbers")
    size = _count(shape) * dtype.value.itemsize
    if len(raw) != size:
        raise _Forbidden(f"an array of {size} bytes of which {len(raw)} are there")
    return np.frombuffer(raw, dtype.value).reshape(shape, order=order)


def _scalar(dtype: Any, raw: Any) -> Any:
    return _shaped(raw, dtype, (), "C")[()]


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any, *_: Any) -> np.ndarray:
    return _shaped(raw, dtype, shape, order)


def _latin1(text: str, _: str) -> bytes:
    """Bytes as protocol 2 writes them."""
    return text.encode("latin1")


def _storage(raw: bytes) -> np.ndarray:
    """The numbers of a tensor, from the five pickles and the raw bytes that torch writes."""
    stream = _Counted(raw)
    for _ in range(3):  # magic number, protocol, byte order
        _Machine(stream, {}).load()
    kind, numel = _Machine(stream, {}).load()
    _Machine(stream, {}).load()
    if struct.unpack("<q", stream.read(8))[0] != numel:
        raise _Forbidden("a tensor whose two sizes differ")
    return _shaped(stream.read(), _Dtype(kind[1:]), (numel,), "C")


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> np.ndarray:
    """A tensor as a copy of the view of its storage."""
    count = _count(shape)
    if not isinstance(storage, np.ndarray):
        raise _Forbidden("a tensor without numbers")
    _count((offset, *stride))
    if len(stride) != len(shape):
        raise _Forbidden("a tensor without numbers")
    if not count:
        return np.zeros(shape)
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if last >= storage.size or count > storage.size:
        raise _Forbidden("a tensor larger than its numbers")
    steps = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()


_NUMPY_PARTS = {"_reconstruct": lambda *_: _Array(), "scalar": _scalar, "_frombuffer": _from_buffer}
_NAMED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): _Dtype,
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _JoblibArray,
    ("collections", "OrderedDict"): lambda: {},
    ("_codecs", "encode"): _latin1,
    ("__builtin__", "bytes"): lambda: b"",  # empty bytes in protocol 2
    ("torch.storage", "_load_from_bytes"): _storage,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    **{("torch", name): kind for name, kind in _STORAGES.items()},
}
"""Stand-ins by the module and name that a file asks for."""


_COPYING = (_latin1, _storage, _tensor)
"""Stand-ins that copy bytes: a short file could name the same bytes again and again."""


class _Machine(_Pure):
    """The pickle machine, reduced to the operations that plain data needs."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        getattr(pickle, name)[0]: _Pure.dispatch[getattr(pickle, name)[0]]
        for name in _OPERATIONS.split()
    }

    def __init__(self, stream: _Counted, records: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(stream)
        self.stream = stream
        self.records = records
        self.classes: dict[str, Any] = {}
        self.copied = 0
        self.most_copied = 4 * len(stream.getbuffer()) + 2**20

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a class or function that a file names."""
        if (module, name) in _NAMED:
            part = _NAMED[module, name]
            return partial(self._metered, part) if part in _COPYING else part
        if module.removeprefix("numpy.").removeprefix("_") in ("core.multiarray", "core.numeric"):
            if name in _NUMPY_PARTS:
                return _NUMPY_PARTS[name]
        elif name in self.records:
            return self.classes.setdefault(name, namedtuple(name, self.records[name]))
        raise _Forbidden(f"it names {module}.{name}, which is not plain data")

    def persistent_load(self, pid: Any) -> Any:
        """The description of a torch storage: kind and count of its numbers."""
        word, kind, _, _, numel = pid[:5]
        if word != "storage" or kind not in _STORAGES.values() or type(numel) is not int:
            raise _Forbidden("a reference to something outside the file")
        return kind, numel

    def _metered(self, part: Callable[..., Any], *arguments: Any) -> Any:
        result = part(*arguments)
        self.copied += result.nbytes if isinstance(result, np.ndarray) else len(result)
        if self.copied > self.most_copied:
            raise _Forbidden("the same bytes again and again")
        return result

    def _build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if not isinstance(target, _Dtype | _Array):
            raise _Forbidden("an object that would set itself up")
        target.build(state, self)

    def _set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or not all(isinstance(key, str) for key in items[::2]):
            raise _Forbidden("a dict with keys that are not text")
        target.update(zip(items[::2], items[1::2], strict=True))

    def _set_item(self) -> None:
        value = self.stack.pop()
        key = self.stack.pop()
        self._set_items([key, value])

    def _set_all(self) -> None:
        self._set_items(self.pop_mark())

    def _frame(self) -> None:
        self.read(8)  # length of the frame, which matters only for reading ahead

    def _bytearray(self) -> None:
        (length,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(length))  # never more memory than the file has bytes

    dispatch[pickle.FRAME[0]] = _frame
    dispatch[pickle.BUILD[0]] = _build
    dispatch[pickle.SETITEM[0]] = _set_item
    dispatch[pickle.SETITEMS[0]] = _set_all
    dispatch[pickle.BYTEARRAY8[0]] = _bytearray


def load_plain(
    data: bytes, path: Path, *, records: Mapping[str, tuple[str, ...]] | None = None
) -> Any:
    """Load a pickle of plain data. `plain_array` gives access to its arrays.

    Args:
        data: bytes of the file, uncompressed.
        path: the file, for error messages.
        records: names and fields of named tuples that may occur.

    Raises:
        MotionFileError: the file is damaged, or holds something other than plain data.
    """
    try:
        return _Machine(_Counted(data), records or {}).load()
    except _Forbidden as error:
        raise MotionFileError(path, f"{error}; nothing of it was run") from error
    except _MALFORMED as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        raise MotionFileError(path, f"not a whole pickle of plain data ({reason})") from error


def plain_array(value: Any, path: Path, where: str) -> np.ndarray:
    """Return an array from the content that `load_plain` returned.

    Args:
        value: part of the content.
        path: the file, for error messages.
        where: place in the file, for error messages.

    Raises:
        MotionFileError: the value is no array.
    """
    array = value.value if isinstance(value, _Array) else value
    if not isinstance(array, np.ndarray):
        raise MotionFileError(
            path, f"is {type(value).__name__.lstrip('_').lower()}, not an array", where=where
        )
    return array

"""Arrays, tables and names of data as handles of the library."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Mapping

import numpy as np

from ._arrow import gives_arrow, table_from_arrow
from ._call import InputError, call, json_of, options_text
from ._library import Array, lib

_TYPES = {
    "float32": 1,
    "float64": 2,
    "uint8": 3,
    "int8": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 8,
    "float16": 9,
}
_WIDER = {"uint16": "int32", "uint32": "int64", "uint64": "int64", "longdouble": "float64"}


def as_array(x: Any, name: str = "x") -> np.ndarray:
    """Anything array-like in a type and order that the library reads; C-ordered float32 and uint8 are
    not copied."""
    if hasattr(x, "__dlpack__") and not isinstance(x, np.ndarray):
        x = _from_dlpack(x, name)
    elif hasattr(x, "toarray"):
        x = x.toarray()
    array = np.asarray(x)
    if array.dtype.kind in "OUS":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"[array] {name}: not numbers: {error}") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"[array] {name}: numbers of type {array.dtype} are not supported")
    kind = _WIDER.get(array.dtype.name, array.dtype.name)
    if kind not in _TYPES:
        kind = "float64"
    array = array.astype(kind, copy=False)  # also the machine's own byte order
    # The library takes strides of 0 alone for C order.
    repeated = array.size > 1 and not any(array.strides)
    if repeated or not array.dtype.isnative or any(stride < 0 for stride in array.strides):
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    if not 1 <= array.ndim <= 8:
        raise InputError(f"[array] {name}: {array.ndim} dimensions, expected 1 to 8")
    return array


def _from_dlpack(x: Any, name: str) -> np.ndarray:
    """A view of a tensor; NumPy has no bfloat16."""
    try:
        x = x.detach() if hasattr(x, "detach") else x
        return np.from_dlpack(x.float() if str(getattr(x, "dtype", "")).endswith("bfloat16") else x)
    except Exception as error:
        where = getattr(x, "device", "")
        raise InputError(f"[array] {name}: not readable as it lies ({where}), move it to the processor: {error}"
                         .split("\n")[0]) from error


def view_of(array: np.ndarray) -> Array:
    """The array as the library sees it, which must stay alive."""
    view = Array(array.ctypes.data, _TYPES[array.dtype.name], array.ndim)
    view.shape[: array.ndim] = array.shape
    if not array.flags.c_contiguous:
        view.strides[: array.ndim] = array.strides
    return view


def is_frame(x: Any) -> bool:
    """Whether x has named columns: pandas, polars, pyarrow and all that gives Arrow's tables, or a dictionary of
    them."""
    if hasattr(x, "toarray"):
        return False  # some of SciPy's sparse matrices are dictionaries
    if isinstance(x, Mapping) or (hasattr(x, "columns") and not isinstance(x, np.ndarray)):
        return True
    return gives_arrow(x) and (hasattr(x, "schema") or not hasattr(x, "__array__"))


def is_plain_frame(x: Any) -> bool:
    """Whether all columns of a frame are numbers without holes, so that an array says as much."""
    if isinstance(x, Mapping) or not hasattr(x, "__array__"):
        return False
    columns = (plain_cells(x[name]) for name in column_names(x))
    return all(cells.dtype.kind in "fiu" and not np.isnan(cells).any() for cells in columns)


def _is_pandas(x: Any) -> bool:
    return type(x).__module__.split(".")[0] == "pandas"  # whose Arrow form needs pyarrow


def column_names(x: Any) -> list[Any]:
    if isinstance(x, Mapping):
        return list(x)
    if hasattr(x, "schema") and hasattr(x, "__arrow_c_stream__") and not hasattr(x, "dtypes"):
        return list(x.schema.names)
    return list(x.columns)


class Data:
    """Rows to train on or to work on: a handle, and what must live as long as it does."""

    def __init__(self, pointer: ctypes.c_void_p, keep: Any = None) -> None:
        self.pointer, self._keep = pointer, keep

    def __del__(self) -> None:
        if self.pointer:
            lib.elbo_data_free(self.pointer)
            self.pointer = ctypes.c_void_p()

    def __len__(self) -> int:
        rows = ctypes.c_int64()
        call(lib.elbo_data_rows, self.pointer, ctypes.byref(rows))
        return rows.value

    @property
    def schema(self) -> dict[str, Any]:
        """Shape, kind and columns, as schema.json of a run has them."""
        schema: dict[str, Any] = json_of(lib.elbo_data_schema, self.pointer)
        return schema


def from_source(source: str, options: dict[str, Any]) -> Data:
    out = ctypes.c_void_p()
    call(lib.elbo_data_open, source.encode(), options_text(options), ctypes.byref(out))
    return Data(out)


def from_array(x: Any, labels: Any = None, options: dict[str, Any] | None = None) -> Data:
    array = as_array(x)
    view, label_view, keep = view_of(array), None, [array]
    if labels is not None:
        keep.append(as_array(labels, "labels"))
        label_view = ctypes.byref(view_of(keep[1]))
    out = ctypes.c_void_p()
    text = options_text(options) if options else None
    call(lib.elbo_data_array, ctypes.byref(view), label_view, text, ctypes.byref(out))
    return Data(out, keep)


class _Table:
    """Columns on their way to the library."""

    def __init__(self, rows: int, pointer: ctypes.c_void_p | None = None) -> None:
        self.rows, self.pointer = rows, pointer or ctypes.c_void_p()
        if pointer is None:
            call(lib.elbo_table_create, rows, ctypes.byref(self.pointer))

    def __del__(self) -> None:
        if self.pointer:
            lib.elbo_table_free(self.pointer)

    def add(self, name: str, values: Any) -> None:
        cells = plain_cells(values)
        if cells.shape != (self.rows,):
            raise InputError(f'[table] column "{name}": {len(cells)} cells, expected {self.rows}')
        if cells.dtype.kind in "fiu":
            numbers = as_array(cells, name)
            view = ctypes.byref(view_of(numbers))
            call(lib.elbo_table_add_numbers, self.pointer, name.encode(), view, None)
        else:
            self._add_texts(name, cells)

    def _add_texts(self, name: str, cells: np.ndarray) -> None:
        missing = [is_missing(cell) for cell in cells]
        texts = [b"" if gone else str(cell).encode() for cell, gone in zip(cells, missing)]
        offsets = np.zeros(self.rows + 1, dtype=np.int64)
        np.cumsum([len(text) for text in texts], out=offsets[1:])
        valid = ~np.asarray(missing, dtype=bool)
        call(
            lib.elbo_table_add_texts,
            self.pointer,
            name.encode(),
            b"".join(texts),
            offsets.ctypes.data,
            valid.view(np.uint8).ctypes.data,
        )


def is_missing(cell: Any) -> bool:
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or bool(cell != cell)


def plain_cells(values: Any) -> np.ndarray:
    """A column as numbers with NaN, or as objects that are texts or missing."""
    dtype = str(getattr(values, "dtype", ""))
    if hasattr(values, "to_list") and "polars" in type(values).__module__:
        values = values.to_numpy() if values.dtype.is_numeric() else np.array(
            values.to_list(), dtype=object
        )
    elif dtype.startswith(("datetime64", "period")) and hasattr(values, "dt"):
        return _dates(values)
    elif hasattr(values, "to_numpy") and dtype[:3].lower() in ("int", "uin", "flo"):
        gone = bool(values.isna().any()) if hasattr(values, "isna") else False
        values = values.to_numpy(dtype=np.float64, na_value=np.nan) if gone else values.to_numpy()
    cells = np.asarray(values)
    if cells.dtype.kind == "M":
        words = np.datetime_as_string(cells, unit="s").astype(object)
        words[np.isnat(cells)] = None
        return np.array([_short_date(word) for word in words], dtype=object)
    if cells.dtype.kind in "fiu":
        return cells
    cells = cells.astype(object)
    return _numbers_if_all(cells)


def _numbers_if_all(cells: np.ndarray) -> np.ndarray:
    """Python's own numbers in a column of objects."""
    seen = [cell for cell in cells if not is_missing(cell)]
    whole = seen and all(isinstance(c, (int, float, np.number)) for c in seen)
    if whole and not any(isinstance(c, (bool, np.bool_)) for c in seen):
        return np.array([np.nan if is_missing(c) else float(c) for c in cells])
    return cells


def _short_date(word: str | None) -> str | None:
    return word[:10] if word is not None and word.endswith("T00:00:00") else word


def _dates(values: Any) -> np.ndarray:
    stamps = values.dt.to_timestamp() if hasattr(values.dt, "to_timestamp") else values
    if getattr(stamps.dt, "tz", None) is not None:
        stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None)
    words = stamps.dt.strftime("%Y-%m-%dT%H:%M:%S").astype(object).to_numpy()
    words = np.array([None if is_missing(word) else word for word in words], dtype=object)
    if all(word is None or word.endswith("T00:00:00") for word in words):
        words = np.array([_short_date(word) for word in words], dtype=object)
    return words


def from_frame(x: Any, options: dict[str, Any] | None = None) -> Data:
    if gives_arrow(x) and not _is_pandas(x):
        pointer = table_from_arrow(x)
        table = _Table(lib.elbo_table_rows(pointer), pointer)
    else:
        names = column_names(x)
        first = x[names[0]] if names else []
        table = _Table(len(first))
        for name in names:
            table.add(str(name), x[name])
    out = ctypes.c_void_p()
    text = options_text(options) if options else None
    call(lib.elbo_data_table, table.pointer, text, ctypes.byref(out))
    return Data(out)


def as_data(x: Any, labels: Any = None, options: dict[str, Any] | None = None) -> Data:
    """Whatever a user calls data."""
    if isinstance(x, Data):
        return x
    if isinstance(x, (str, os.PathLike)):
        if labels is not None:
            raise InputError("[data] labels: given beside a path; name them by options labels=FILE")
        return from_source(os.fspath(x), options or {})
    if is_frame(x):
        if labels is not None:
            raise InputError('[data] labels: given beside a table; use types="COLUMN=label"')
        return from_frame(x, options)
    return from_array(x, labels, options)


def cells_of(table: ctypes.c_void_p) -> dict[str, np.ndarray]:
    """The columns of a table of the library: numbers, or objects of texts with None."""
    rows, columns = lib.elbo_table_rows(table), {}
    for i in range(lib.elbo_table_columns(table)):
        name = lib.elbo_table_name(table, i).decode()
        numbers = lib.elbo_table_numbers(table, i)
        if numbers:
            columns[name] = np.ctypeslib.as_array(numbers, (rows,)).copy()
        else:
            columns[name] = _texts(table, i, rows)
    return columns


def _texts(table: ctypes.c_void_p, column: int, rows: int) -> np.ndarray:
    start = ctypes.c_void_p()
    offsets = ctypes.POINTER(ctypes.c_int64)()
    valid = ctypes.POINTER(ctypes.c_uint8)()
    call(
        lib.elbo_table_texts,
        table,
        column,
        ctypes.byref(start),
        ctypes.byref(offsets),
        ctypes.byref(valid),
    )
    all_bytes = ctypes.string_at(start.value or 0, offsets[rows]) if offsets[rows] else b""
    cells = np.empty(rows, dtype=object)
    for r in range(rows):
        if not valid or valid[r]:
            cells[r] = all_bytes[offsets[r] : offsets[r + 1]].decode()
    return cells

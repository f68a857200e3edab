"""Record batches by the Arrow PyCapsule interface, without pyarrow's help at run time."""

from __future__ import annotations

import ctypes
from typing import Any

from ._call import InputError, call
from ._library import lib

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def _one_batch(x: Any) -> Any:
    """All rows as one record batch."""
    if hasattr(x, "combine_chunks"):
        batches = x.combine_chunks().to_batches()
        if len(batches) != 1:
            raise InputError(f"[arrow] {len(batches)} batches of rows, expected one")
        return batches[0]
    return x


def add_arrow(table: ctypes.c_void_p, x: Any) -> None:
    """Adds all columns of a pyarrow table or record batch."""
    schema, batch = _one_batch(x).__arrow_c_array__()
    # The capsules release both structs when they go.
    call(
        lib.elbo_table_add_arrow,
        table,
        _pointer(schema, b"arrow_schema"),
        _pointer(batch, b"arrow_array"),
    )

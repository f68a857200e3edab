"""Tables by the Arrow PyCapsule interface, without pyarrow's help."""

from __future__ import annotations

import ctypes
from typing import Any

from ._call import Error, InputError, call
from ._library import lib

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def gives_arrow(x: Any) -> bool:
    return hasattr(x, "__arrow_c_stream__") or hasattr(x, "__arrow_c_array__")


def table_from_arrow(x: Any) -> ctypes.c_void_p:
    """A table of the library: a copy of all rows of x, which gives a stream of record batches or one of them."""
    out = ctypes.c_void_p()
    try:
        if hasattr(x, "__arrow_c_stream__"):
            stream = x.__arrow_c_stream__()
            call(lib.elbo_table_from_arrow, _pointer(stream, b"arrow_array_stream"), ctypes.byref(out))
            return out
        schema, batch = x.__arrow_c_array__()
    except Error:
        raise
    except Exception as error:  # what a package says of columns that Arrow does not know
        raise InputError(f"[arrow] {type(x).__name__}: {error}".split("\n")[0]) from error
    call(lib.elbo_table_create, len(x), ctypes.byref(out))
    try:
        # The capsules release both structs when they go.
        call(lib.elbo_table_add_arrow, out, _pointer(schema, b"arrow_schema"), _pointer(batch, b"arrow_array"))
    except BaseException:
        lib.elbo_table_free(out)
        raise
    return out

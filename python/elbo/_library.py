"""Finds the shared library, loads it and declares its functions (include/elbo/elbo.h)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_uint8, c_void_p
from typing import Any, Iterator

from ._libtorch import described, guard_imports, load_of_package, refuse_other

ABI = 1
SOVERSION = "0.2"  # of the library that an installation of the program brings
MOST_DIMENSIONS = 8
OK, INVALID, OUT_OF_MEMORY, STOPPED = 0, 1, 2, 3


class Array(ctypes.Structure):
    """elbo_array."""

    _fields_ = [
        ("data", c_void_p),
        ("type", c_int32),
        ("dimensions", c_int32),
        ("shape", c_int64 * MOST_DIMENSIONS),
        ("strides", c_int64 * MOST_DIMENSIONS),
    ]


PROGRESS = ctypes.CFUNCTYPE(c_int, c_void_p, c_double, c_char_p)
LINE = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)


class Callbacks(ctypes.Structure):
    """elbo_callbacks."""

    _fields_ = [("user", c_void_p), ("progress", PROGRESS), ("log", LINE), ("note", LINE)]


_ARRAY, _CALLS, _OUT = POINTER(Array), POINTER(Callbacks), POINTER(c_void_p)
_TEXT_OUT = POINTER(c_void_p)  # c_char_p would lose the address that is to be freed
_FLOATS, _DOUBLES, _BYTES, _WHOLE = c_void_p, c_void_p, c_void_p, POINTER(c_int64)

# Arguments of the functions that return a status.
_STATUS_FUNCTIONS: dict[str, list[Any]] = {
    "elbo_about": [_TEXT_OUT],
    "elbo_list": [c_char_p, _TEXT_OUT],
    "elbo_data_open": [c_char_p, c_char_p, _OUT],
    "elbo_data_array": [_ARRAY, _ARRAY, c_char_p, _OUT],
    "elbo_data_table": [c_void_p, c_char_p, _OUT],
    "elbo_data_rows": [c_void_p, _WHOLE],
    "elbo_data_schema": [c_void_p, _TEXT_OUT],
    "elbo_table_create": [c_int64, _OUT],
    "elbo_table_add_numbers": [c_void_p, c_char_p, _ARRAY, _BYTES],
    "elbo_table_add_texts": [c_void_p, c_char_p, c_char_p, c_void_p, _BYTES],
    "elbo_table_add_arrow": [c_void_p, c_void_p, c_void_p],
    "elbo_table_from_arrow": [c_void_p, _OUT],
    "elbo_table_texts": [c_void_p, c_int64, _OUT, POINTER(_WHOLE), POINTER(POINTER(c_uint8))],
    "elbo_train": [c_void_p, c_char_p, c_char_p, _CALLS, _OUT],
    "elbo_resume": [c_void_p, c_void_p, c_char_p, _CALLS],
    "elbo_run_open": [c_char_p, _OUT],
    "elbo_run_facts": [c_void_p, _TEXT_OUT],
    "elbo_run_schema": [c_void_p, _TEXT_OUT],
    "elbo_run_history": [c_void_p, _TEXT_OUT],
    "elbo_run_code_size": [c_void_p, _WHOLE],
    "elbo_run_row_shape": [c_void_p, _WHOLE, POINTER(c_int32)],
    "elbo_run_parameters": [c_void_p, _WHOLE],
    "elbo_encode": [c_void_p, c_void_p, c_char_p, _FLOATS, _FLOATS, _CALLS],
    "elbo_decode": [c_void_p, _ARRAY, c_char_p, _FLOATS, _CALLS],
    "elbo_reconstruct": [c_void_p, c_void_p, c_char_p, _FLOATS, _CALLS],
    "elbo_sample": [c_void_p, c_int64, c_char_p, _FLOATS, _CALLS],
    "elbo_score": [c_void_p, c_void_p, c_char_p, _DOUBLES, _CALLS],
    "elbo_impute": [c_void_p, c_void_p, c_char_p, _FLOATS, _FLOATS, _FLOATS, _FLOATS, _CALLS],
    "elbo_run_cells": [c_void_p, _ARRAY, _OUT],
    "elbo_evaluate": [c_void_p, c_void_p, c_char_p, _CALLS, _TEXT_OUT],
    "elbo_export_onnx": [c_void_p, c_char_p, _TEXT_OUT],
    "elbo_run_task": [c_void_p, c_char_p, c_void_p, c_char_p, c_char_p, _CALLS, _OUT, _TEXT_OUT],
    "elbo_rows_view": [c_void_p, _ARRAY],
}
# Result and arguments of the others.
_OTHER_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "elbo_version": (c_char_p, []),
    "elbo_abi_version": (c_int32, []),
    "elbo_last_error": (c_char_p, []),
    "elbo_text_free": (None, [c_void_p]),
    "elbo_data_free": (None, [c_void_p]),
    "elbo_table_free": (None, [c_void_p]),
    "elbo_table_rows": (c_int64, [c_void_p]),
    "elbo_table_columns": (c_int64, [c_void_p]),
    "elbo_table_name": (c_char_p, [c_void_p, c_int64]),
    "elbo_table_numbers": (POINTER(c_double), [c_void_p, c_int64]),
    "elbo_run_free": (None, [c_void_p]),
    "elbo_run_path": (c_char_p, [c_void_p]),
    "elbo_rows_free": (None, [c_void_p]),
}


def _candidates() -> Iterator[str]:
    named = os.environ.get("ELBO_LIBRARY")
    if named:
        yield named
        return
    here = pathlib.Path(__file__).parent
    yield from (str(path) for path in sorted(here.glob("lib*/libelbo.so*")))
    yield f"libelbo.so.{SOVERSION}"


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    """Debian 13's libtorch brings UCX, which catches signals as soon as it is loaded unless told not to."""
    quiet = {"UCX_HANDLE_ERRORS": "none", "UCX_DEBUG_SIGNO": "0"}
    added = [name for name in quiet if name not in os.environ]
    os.environ.update({name: quiet[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _load() -> ctypes.CDLL:
    problems = []
    for path in _candidates():
        refuse_other(path)
        load_of_package(path)
        try:
            with _handlers_kept():
                return ctypes.CDLL(path)
        except OSError as error:
            if os.path.exists(path):
                raise ImportError(
                    f"elbo was built for {described(path)}, and cannot be loaded: {error}"
                ) from error
            problems.append(f"{path}: {error}")
    raise ImportError(
        "elbo's library was not found; name it in ELBO_LIBRARY. Tried " + "; ".join(problems)
    )


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    for name, arguments in _STATUS_FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = c_int, arguments
    for name, (result, arguments) in _OTHER_FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    found = library.elbo_abi_version()
    if found != ABI:
        raise ImportError(f"libelbo has interface {found}, this package needs {ABI}")
    return library


lib = _declare(_load())
guard_imports()

"""Finds the shared library, loads it and declares its functions (include/elbo/elbo.h)."""

from __future__ import annotations

import ctypes
import importlib.abc
import importlib.machinery
import os
import pathlib
import re
import sys
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_uint8, c_void_p
from typing import Any, Iterator

ABI = 1
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
    yield "libelbo.so.0.1"


def _mapped_libtorch() -> str | None:
    """The libtorch that this process has loaded already."""
    try:
        maps = pathlib.Path("/proc/self/maps").read_text()
    except OSError:
        return None
    found = re.search(r"(/\S*libtorch_cpu\S*\.so\S*)", maps)
    return os.path.realpath(found[1]) if found else None


def _wanted_libtorch(library: str) -> list[str]:
    """Names of the libtorch that a library was linked with."""
    try:
        content = pathlib.Path(library).read_bytes()
    except OSError:
        return []  # found by the loader's own path
    return sorted({name.decode() for name in re.findall(rb"libtorch_cpu\.so[.\d]*", content)})


def _refuse_other_torch(library: str) -> None:
    """Two libtorch in one process share some of their state and crash."""
    mapped, wanted = _mapped_libtorch(), _wanted_libtorch(library)
    if mapped and wanted and os.path.basename(mapped) not in wanted:
        base = re.sub(r"(\.so(?:\.\d+){0,2}).*", r"\1", os.path.basename(mapped))
        if base not in wanted:
            raise ImportError(
                f"elbo was built for {wanted[0]}, and this process has loaded {mapped}; import "
                "elbo in a process without torch, or build it against that torch"
            )


class _Refusing(importlib.abc.Loader):
    def __init__(self, message: str) -> None:
        self.message = message

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        raise ImportError(self.message)


class _TorchGuard(importlib.abc.MetaPathFinder):
    """Refuses a torch that brings another libtorch than the one that is loaded."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "torch":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.origin is None:
            return None
        own = pathlib.Path(spec.origin).parent / "lib" / "libtorch_cpu.so"
        mapped = _mapped_libtorch()
        if not own.exists() or mapped is None or os.path.realpath(own) == mapped:
            return None
        message = (
            f"torch brings {own}, and elbo has loaded {mapped}: two libtorch cannot share a "
            "process; import torch in another process, or build elbo against that torch"
        )
        return importlib.machinery.ModuleSpec(name, _Refusing(message))


def _load() -> ctypes.CDLL:
    problems = []
    for path in _candidates():
        _refuse_other_torch(path)
        try:
            return ctypes.CDLL(path)
        except OSError as error:
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
sys.meta_path.insert(0, _TorchGuard())

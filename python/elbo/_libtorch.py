"""Which libtorch elbo was built for, which one this process has, and that two of them never meet."""

from __future__ import annotations

import ctypes
import functools
import importlib.abc
import importlib.machinery
import json
import mmap
import os
import pathlib
import re
import sys
from typing import Any


def built_for(library: str) -> str:
    """The version that a library was compiled against, "" where nothing beside it says so."""
    try:
        facts = json.loads((pathlib.Path(library).parent / "libtorch.json").read_text())
        return str(facts["version"])
    except (OSError, ValueError, KeyError):
        return ""


# What a library that was built against torch's package may be linked with, each after what it needs.
_PARTS = ("libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so")


@functools.lru_cache(maxsize=None)
def _found_in(library: str, pattern: bytes) -> list[str]:
    try:
        with open(library, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return sorted({name.decode() for name in re.findall(pattern, content)})
    except (OSError, ValueError):
        return []  # found by the loader's own path


def wanted_files(library: str) -> list[str]:
    """Names of the libtorch that a library was linked with."""
    return _found_in(library, rb"libtorch_cpu\.so[.\d]*")


def _names(library: str, file: str) -> bool:
    return file in _found_in(library, rb"lib(?:torch|c10)\w*\.so")


def mapped_libtorch() -> str | None:
    """The libtorch that this process has loaded already."""
    try:
        maps = pathlib.Path("/proc/self/maps").read_text()
    except OSError:
        return None
    found = re.search(r"(/\S*libtorch_cpu\S*\.so\S*)", maps)
    return os.path.realpath(found[1]) if found else None


def version_of(libtorch: str) -> str:
    """The version that torch's own package states beside its libtorch; "" for others."""
    try:
        text = (pathlib.Path(libtorch).parent.parent / "version.py").read_text()
    except OSError:
        return ""
    found = re.search(r"__version__\s*(?::[^=]*)?=\s*['\"]([^'\"]+)", text)
    return found[1] if found else ""


def described(library: str) -> str:
    """ "libtorch 1.13.0 (libtorch_cpu.so.1.13)"."""
    files, version = wanted_files(library), built_for(library)
    return " ".join(["libtorch", *([version] if version else []), *([f"({files[0]})"] if files else [])])


def _same(one: str, other: str) -> bool:
    """libtorch's C++ interface holds within a minor version."""
    return one.split(".")[:2] == other.split(".")[:2]


def refuse_other(library: str) -> None:
    """Two libtorch in one process share some of their state and crash; a library that finds another version
    than its own does so as well."""
    mapped, files = mapped_libtorch(), wanted_files(library)
    if mapped is None or not files:
        return
    base = re.sub(r"(\.so(?:\.\d+){0,2}).*", r"\1", os.path.basename(mapped))
    version = version_of(mapped)
    other = built_for(library) and version and not _same(built_for(library), version)
    if base not in files or other:
        raise ImportError(
            f"elbo was built for {described(library)}, and this process has loaded {mapped}"
            f"{' ' + version if version else ''}; import elbo in a process without torch, or build it against that torch"
        )


def load_of_package(library: str) -> None:
    """A library that was built against torch's Python package uses the libtorch in there, wherever the package
    is now; torch itself is not imported."""
    if "libtorch_cpu.so" not in wanted_files(library) or mapped_libtorch() is not None:
        return
    spec = importlib.machinery.PathFinder.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    own = pathlib.Path(spec.origin).parent / "lib" / "libtorch_cpu.so"
    version = version_of(str(own))
    if version and built_for(library) and not _same(built_for(library), version):
        raise ImportError(
            f"elbo was built for {described(library)}, and the torch of this environment is {version}; install torch "
            f"{built_for(library)}, or build elbo against {version}"
        )
    for path in map(own.with_name, _PARTS):  # each by its path: a wheel holds none, since torch may be anywhere
        if path.exists() and _names(library, path.name):
            ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)


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
        mapped = mapped_libtorch()
        if not own.exists() or mapped is None or os.path.realpath(own) == mapped:
            return None
        message = (
            f"torch brings {own}, and elbo has loaded {mapped}: two libtorch cannot share a "
            "process; import torch in another process, or build elbo against that torch"
        )
        return importlib.machinery.ModuleSpec(name, _Refusing(message))


def guard_imports() -> None:
    sys.meta_path.insert(0, _TorchGuard())

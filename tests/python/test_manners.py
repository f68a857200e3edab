"""What the package leaves as it found it, and what it says about other libtorch."""

import ctypes
import importlib.util
import io
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import elbo
from elbo import _libtorch
from support import correlated, needs

ROOT = pathlib.Path(__file__).resolve().parents[2]


def caught(status):
    """The signals of a process's status that have a handler or are ignored; above 31 are glibc's own."""
    lines = [line.split() for line in status.splitlines() if line.startswith(("SigCgt", "SigIgn"))]
    return {name: int(bits, 16) & 0x7FFFFFFF for name, bits in lines}


def own_status():
    return pathlib.Path("/proc/self/status").read_text()


class Manners(unittest.TestCase):
    def test_threads_and_signals_stay(self):
        threads = ctypes.CDLL("libgomp.so.1").omp_get_max_threads
        before = threads(), caught(own_status()), signal.getsignal(signal.SIGINT)
        run = elbo.train(correlated(), epochs=1, threads=1)
        run.evaluate(draws=2)
        self.assertEqual((threads(), caught(own_status()), signal.getsignal(signal.SIGINT)), before)
        alone, imported = (
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
            for code in ("print(open('/proc/self/status').read())", "import elbo; print(open('/proc/self/status').read())")
        )
        self.assertEqual(caught(imported), caught(alone))

    def test_a_training_leaves_nothing_behind(self):
        import gc

        def kinds():
            gc.collect()
            return [type(one).__name__ for one in gc.get_objects() if type(one).__name__ in ("Calls", "Data", "Run")]

        before = kinds()
        for _ in range(3):
            elbo.train(correlated(), epochs=1).evaluate(draws=1)
        self.assertEqual(kinds(), before)

    @needs("tqdm")
    def test_a_bar_goes_to_its_end(self):
        import contextlib

        shown = io.StringIO()
        with contextlib.redirect_stderr(shown):
            elbo.train(correlated(), epochs=3, progress=True)
        self.assertIn("train 100%", shown.getvalue())

    @needs("mypy")
    def test_types(self):
        done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_version_that_is_looked_for_is_the_package_s(self):
        self.assertTrue(elbo.__version__.startswith(elbo._library.SOVERSION + "."))


class OtherLibtorch(unittest.TestCase):
    """Packages of torch that are none: what counts is their files."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def torch_package(self, version):
        lib = self.path / "torch/lib"
        lib.mkdir(parents=True)
        (lib / "libtorch_cpu.so").write_bytes(b"")
        (self.path / "torch/version.py").write_text(f"__version__ = '{version}'\n")
        (self.path / "torch/__init__.py").write_text("raise SystemExit('was executed')\n")

    def library(self, version, wants):
        library = self.path / "libelbo.so"
        library.write_bytes(b"\0" + wants.encode() + b"\0")
        (self.path / "libtorch.json").write_text(f'{{"version": "{version}"}}')
        return str(library)

    def in_process(self, code, **environment):
        paths = os.pathsep.join([self.folder.name, *sys.path])
        own = dict(os.environ, PYTHONPATH=paths, **environment)
        return subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True)

    @unittest.skipIf(_libtorch.wanted_files(os.environ.get("ELBO_LIBRARY", "")) == ["libtorch_cpu.so"],
                     "built for the torch of a Python package, which both share")
    def test_torch_after_elbo(self):
        self.torch_package("2.15.0")
        done = self.in_process("import elbo, torch")
        self.assertEqual(done.returncode, 1)
        self.assertIn("two libtorch cannot share a process", done.stderr.splitlines()[-1])

    def test_a_library_for_another_version_of_the_package(self):
        self.torch_package("2.15.0+cu132")
        library = self.library("2.6.0", "libtorch_cpu.so")
        done = self.in_process("import elbo", ELBO_LIBRARY=library)
        said = done.stderr.splitlines()[-1]
        self.assertIn("elbo was built for libtorch 2.6.0 (libtorch_cpu.so), and the torch of this environment is 2.15.0", said)

    def test_all_that_a_library_needs_of_the_package_is_loaded_each_after_its_needs(self):
        self.torch_package("2.15.0")
        for name in ("libc10.so", "libtorch.so", "libtorch_cuda.so", "libtorch_python.so"):
            (self.path / "torch/lib" / name).write_bytes(b"")
        library = self.library("2.15.0", "libtorch.so\0libtorch_cpu.so\0libtorch_cuda.so\0libc10.so\0libc10_cuda.so")
        loaded = []
        with mock.patch.object(_libtorch.ctypes, "CDLL", lambda path, mode: loaded.append(pathlib.Path(path).name)), \
                mock.patch.object(_libtorch, "mapped_libtorch", lambda: None), \
                mock.patch.object(sys, "path", [self.folder.name, *sys.path]):
            _libtorch.load_of_package(library)
        self.assertEqual(loaded, ["libc10.so", "libtorch_cpu.so", "libtorch_cuda.so", "libtorch.so"])

    def test_a_libtorch_that_is_not_there(self):
        library = self.library("9.9.0", "libtorch_cpu.so.9.9")
        done = self.in_process("import elbo", ELBO_LIBRARY=library)
        said = done.stderr.splitlines()[-1]
        self.assertIn("ImportError: elbo was built for libtorch 9.9.0 (libtorch_cpu.so.9.9), and cannot be loaded", said)

    def test_versions(self):
        self.torch_package("2.6.0+cpu")
        self.assertEqual(_libtorch.version_of(str(self.path / "torch/lib/libtorch_cpu.so")), "2.6.0+cpu")
        self.assertEqual(_libtorch.version_of("/nowhere/lib/libtorch_cpu.so"), "")

    @unittest.skipIf(importlib.util.find_spec("torch") is None, "not installed: torch")
    def test_torch_and_elbo_in_either_order(self):
        for order in ("torch, elbo", "elbo, torch"):
            code = f"import {order}; r = elbo.train(torch.randn(60, 3), epochs=1); print(r.encode(torch.randn(2, 3)).shape)"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            with self.subTest(order):
                # Together, or a sentence: never a crash.
                self.assertIn(done.returncode, (0, 1), done.stderr)
                self.assertTrue(done.returncode == 0 or "ImportError: " in done.stderr.splitlines()[-1], done.stderr)


if __name__ == "__main__":
    unittest.main()

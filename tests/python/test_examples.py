"""Runs examples/python as their readers do, for few steps."""

import pathlib
import subprocess
import sys
import unittest

from support import needs

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples/python"


class Examples(unittest.TestCase):
    def run_example(self, name, size):
        done = subprocess.run(
            [sys.executable, EXAMPLES / f"{name}.py", str(size)], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout)

    def test_pictures(self):
        self.run_example("pictures", 1)

    @needs("sklearn")
    def test_anomalies(self):
        self.run_example("anomalies", 2)

    @needs("sklearn", "pandas")
    def test_imputation(self):
        self.run_example("imputation", 50)

    @needs("sklearn", "pandas")
    def test_synthetic(self):
        self.run_example("synthetic", 50)


if __name__ == "__main__":
    unittest.main()

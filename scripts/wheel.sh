#!/usr/bin/env bash
# Builds the wheel of the Python package into dist/ and tries it in a fresh virtual environment of each Python
# from 3.10 to 3.14 at hand (on the path, or of pyenv), with and without scikit-learn.
#   scripts/wheel.sh [WHEEL]     a wheel that is there already is only tried
# pip downloads scikit-build-core, numpy, scikit-learn, pandas. BUILD_OPTIONS: more for pip wheel.
set -euo pipefail
wheel=${1:+$(realpath "$1")}
. "$(dirname "$0")/common.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "$wheel" ]; then
  say "build"
  python3 -m venv "$work/build"
  # shellcheck disable=SC2086
  CMAKE_BUILD_PARALLEL_LEVEL=$(compilers_at_once) "$work/build/bin/pip" wheel -q . --no-deps -w dist ${BUILD_OPTIONS:-}
  wheel=$(ls -t dist/elbo-*.whl | head -1)
fi
bytes=$(stat -c %s "$wheel")
say "$(basename "$wheel"): $((bytes / 1000)) kB"
if ((bytes > 15000000)); then echo "wheel.sh: at most 15 MB are allowed" >&2; exit 1; fi
case "$wheel" in
  *-py3-none-*) ;;
  *) echo "wheel.sh: its tag is not py3-none-PLATFORM" >&2; exit 1 ;;
esac

cat >"$work/plain.py" <<'PY'
import sys
import numpy as np
import elbo
assert "sklearn" not in sys.modules
x = (np.arange(300).reshape(100, 3) % 17).astype(np.float32)
run = elbo.train(x, epochs=2, seed=0, data_options={"reader": {"kind": "real"}})
assert run.encode(x).shape[0] == 100 and np.isfinite(run.sample(4)).all()
print(f"  Python {sys.version.split()[0]}, numpy {np.__version__}: elbo {elbo.__version__}, "
      f"built for libtorch {elbo.about()['libtorch']}")
PY
cat >"$work/estimators.py" <<'PY'
import numpy as np, pandas, sklearn
import elbo
x = pandas.DataFrame((np.arange(300).reshape(100, 3) % 17).astype(float), columns=list("abc"))
codes = elbo.VAE(epochs=2, random_state=0).set_output(transform="pandas").fit_transform(x)
assert list(codes.columns)[0] == "vae0"
assert set(elbo.OutlierDetector(epochs=2).fit(x).predict(x)) <= {-1, 1}
assert not elbo.Imputer(epochs=2).fit_transform(x.mask(x > 14)).isna().any().any()
assert elbo.Synthesizer(epochs=2).fit(x).sample(5).shape == (5, 3)
print(f"  scikit-learn {sklearn.__version__}, pandas {pandas.__version__}: the estimators work")
PY

tried=0
for minor in 10 11 12 13 14; do
  python=
  for found in "$(command -v "python3.$minor" || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python3; do
    if [ -x "$found" ] && "$found" -c "import sys, venv; sys.exit(sys.version_info[:2] != (3, $minor))" 2>/dev/null; then
      python=$found
      break
    fi
  done
  if [ -z "$python" ]; then echo "  Python 3.$minor: not at hand"; continue; fi
  venv=$work/3.$minor
  "$python" -m venv "$venv"
  "$venv/bin/pip" install -q "$wheel"
  (cd "$work" && env -u PYTHONPATH -u ELBO_LIBRARY "$venv/bin/python" plain.py)
  "$venv/bin/pip" install -q scikit-learn pandas
  (cd "$work" && env -u PYTHONPATH -u ELBO_LIBRARY "$venv/bin/python" estimators.py)
  tried=$((tried + 1))
done
say "tried in $tried fresh environments"
((tried > 0))

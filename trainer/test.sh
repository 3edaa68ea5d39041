#!/usr/bin/env bash
# Lint, types and tests of the trainer, on CPU with tiny models. Arguments go to pytest.
# TEST_PROCESSES (2) share the tests, one thread each: tiny models gain nothing from a second thread.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
python=$(./install.sh --tests | tail -n 1)
export PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
"$python" -m ruff check --no-cache .
"$python" -m ruff format --check --no-cache .
# What was found of files that did not change stays with the packages it rests on.
"$python" -m mypy --cache-dir="${python%/bin/*}/.mypy" kriptik_trainer
exec "$python" -m pytest -p no:cacheprovider -q -n "${TEST_PROCESSES:-2}" --dist loadgroup "$@"

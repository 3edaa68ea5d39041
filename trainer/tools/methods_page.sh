#!/usr/bin/env bash
# Runs the tests of all methods and writes docs/methods.md from what they saw.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(./install.sh --tests | tail -n 1)
KRIPTIK_METHODS_FILE=$(mktemp)
export KRIPTIK_METHODS_FILE PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1
trap 'rm -f "$KRIPTIK_METHODS_FILE"' EXIT
"$python" -m pytest -p no:cacheprovider -q tests/methods/test_methods.py::test_method
"$python" tools/methods_page.py "$KRIPTIK_METHODS_FILE" ../docs/methods.md

#!/usr/bin/env bash
# Installs the trainer's Python packages once, outside the tree, and prints the interpreter to use
# as its last line. Everything else goes to stderr. Options: install.sh --help.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for python in ${KRIPTIK_PYTHON:-} python3.11 python3.12 python3.13 python3; do
  if command -v "$python" >/dev/null 2>&1 &&
    "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    exec "$python" "$here/install.py" "$@"
  fi
done
echo "install: no Python 3.11 or newer with the venv module was found." >&2
echo "  Remedy: install python3.11 and python3.11-venv, or name one with KRIPTIK_PYTHON=/path/to/python3.11." >&2
exit 20

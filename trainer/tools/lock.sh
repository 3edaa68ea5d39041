#!/usr/bin/env bash
# Writes the lock files in requirements/ from pyproject.toml. Run after a change of a version there.
#
#   cuda.txt  what every run needs, for a machine with an NVIDIA GPU
#   cpu.txt   the same versions less the CUDA libraries (tools/cpu_stubs.py stands in for them)
#   llm.txt vision.txt audio.txt   what a family of methods needs on top of either
#   test.txt  what the tests and checks need on top of either
#   uv.txt    the installer itself
#
# Installed with --no-deps, so each file is the whole truth; every line carries its hashes. What is locked stays
# as it is where pyproject.toml allows it; UPGRADE=1 takes the newest of everything else.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}
out=requirements
lock=("$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes
  --no-emit-index-url --no-emit-find-links --no-annotate --no-header)

# One resolution holds for all, so any families can be installed side by side.
all=$(mktemp --suffix=.txt)
trap 'rm -f "$all"' EXIT
if [ -z "${UPGRADE:-}" ]; then
  cat "$out"/{cuda,llm,vision,audio,test}.txt >"$all"
fi
"${lock[@]}" --extra llm --extra vision --extra audio --extra test pyproject.toml -o "$all"

"${lock[@]}" -c "$all" pyproject.toml -o "$out/cuda.txt"

excluded=(--no-emit-package triton)
while read -r name; do
  excluded+=(--no-emit-package "$name")
done < <(sed -nE 's/^((nvidia|cuda)-[a-z0-9-]+)==.*/\1/p' "$out/cuda.txt")
"${lock[@]}" "${excluded[@]}" -c "$all" pyproject.toml -o "$out/cpu.txt"

# What an extra adds, less what the base set already holds.
base=()
while read -r name; do
  base+=(--no-emit-package "$name")
done < <(sed -nE 's/^([a-z0-9][a-z0-9_.-]*)==.*/\1/p' "$out/cuda.txt")
for extra in llm vision audio test; do
  "${lock[@]}" "${base[@]}" --extra "$extra" -c "$all" pyproject.toml -o "$out/$extra.txt"
done

echo "uv==0.13.9" | "${lock[@]}" - -o "$out/uv.txt"

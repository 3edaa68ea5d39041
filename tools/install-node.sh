#!/usr/bin/env bash
# Installs the Node packages of the lock file. The project runs on the Node 24 that is one of them, so npm's
# remark that the host's Node is older does not matter and is left out; other messages are kept.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in node npm; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install Node.js 20 or newer from https://nodejs.org" >&2; exit 1; }
done
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || { echo "Node.js $(node -v) is too old to install from: 20 or newer is needed" >&2; exit 1; }
echo "installing Node packages ..." >&2
# Not `npm ci`: it refuses a lock file made where a registry does not carry the binaries of other platforms. Versions
# and hashes come from the lock file all the same, and --no-save leaves it as it is.
npm install --no-save --no-audit --no-fund --loglevel=error >&2
touch node_modules/.package-lock.json
# The first plan is as fast as the next ones: Node keeps what it compiles in the user's cache.
bin/kriptik plan --offline --quiet -f examples/quickstart/goal.yaml >/dev/null 2>&1 || true

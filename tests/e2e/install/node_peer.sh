#!/bin/bash
# Installs what tests/e2e/node needs, as its lock file says, and prints that folder. Works offline once installed.
set -euo pipefail
cd "$(dirname "$0")/../node"
installed=node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ package-lock.json -nt "$installed" ]; then
    npm ci --no-audit --no-fund >&2
    touch "$installed"
fi
pwd

#!/bin/bash
# Builds the extension for VS Code as its lock file says, and prints the path of the .vsix. Offline after the first time.
set -euo pipefail
cd "$(dirname "$0")/../../../editors/vscode"
installed=node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ package-lock.json -nt "$installed" ]; then
    npm ci --no-audit --no-fund >&2
    touch "$installed"
fi
npm run --silent package >&2
echo "$PWD/midfill.vsix"

#!/bin/sh
# Completes at three places of the example project. Usage: demo.sh MIDFILL
set -eu
midfill=$(realpath "$1")
cd "$(dirname "$0")/.."
for place in inventory/models.py:55 tests/test_store.py:38 web/src/table.ts:62; do
    "$midfill" complete "examples/inventory/$place"
    echo
done

#!/bin/bash
# Builds midfill's wheel from this checkout, beside the wheels of all it needs, and prints their folder: what a package
# index would offer. Offline after the first time; llama.cpp is the one that `make setup` has compiled.
source "$(dirname "$0")/from_debian.sh"

root=$(cd "$(dirname "$0")/../../.." && pwd)
wheels=$e2e_cache/wheels
pip=("${PYTHON:-python3}" -m pip --quiet --disable-pip-version-check)

is_installed() {
    cmp -s "$root/pyproject.toml" "$wheels/pyproject.toml"
}

install() {
    rm -rf "$wheels"
    "${pip[@]}" wheel --constraint "$root/constraints.txt" --find-links "$root/.cache/compiled" --wheel-dir "$wheels" "$root" >&2 || fail "pip wheel failed"
    cp "$root/pyproject.toml" "$wheels"
}

install_once wheels is_installed install
rm -f "$wheels"/midfill-*.whl
"${pip[@]}" wheel --no-deps --no-build-isolation --wheel-dir "$wheels" "$root" >&2
echo "$wheels"

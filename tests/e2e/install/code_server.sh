#!/bin/bash
# Installs code-server, which is VS Code in a browser, and prints the path of its entry. Works offline once installed.
# Chromium to look at it and ripgrep, by which it finds files, come from Debian where they are missing.
# Needs Node.js 20 with its headers, npm, make and a C++ compiler. MIDFILL_E2E_CODE_SERVER names another entry to use.
source "$(dirname "$0")/from_debian.sh"

use_named MIDFILL_E2E_CODE_SERVER

version=4.100.3 # the last one for Node.js 20; VS Code 1.100.3
folder=$e2e_cache/code-server
modules=$folder/node_modules
entry=$modules/code-server/out/node/entry.js

is_installed() {
    command -v chromium > /dev/null && command -v rg > /dev/null && [ -e "$modules/code-server/lib/vscode/.installed" ] &&
        # The first time it tells of a configuration that it writes, which is to be none of the user's.
        [[ $(CODE_SERVER_CONFIG=$folder/config.yaml node "$entry" --version 2> /dev/null) == *"$version "* ]]
}

install() {
    local node_major
    node_major=$(node --version 2> /dev/null | sed 's/^v\([0-9]*\).*/\1/')
    [ "$node_major" = 20 ] || fail "code-server $version runs on Node.js 20 alone, and this is ${node_major:-none}"
    command -v chromium > /dev/null || from_apt chromium fonts-dejavu-core
    command -v rg > /dev/null || from_apt ripgrep
    mkdir -p "$folder"
    echo '{ "private": true }' > "$folder/package.json"
    # Without install scripts, for those of code-server download from elsewhere. One dependency must be compiled.
    npm_in "$folder" install --save-exact "code-server@$version"
    npm_config_nodedir=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")") npm_in "$folder" rebuild argon2
    local vscode=$modules/code-server/lib/vscode
    npm_in "$vscode" install --omit=dev
    npm_in "$vscode/extensions" install --omit=dev
    ln -sfn node_modules "$vscode/node_modules.asar"
    mkdir -p "$vscode/node_modules/@vscode/ripgrep/bin"
    ln -sf "$(command -v rg)" "$vscode/node_modules/@vscode/ripgrep/bin/rg"
    touch "$vscode/.installed"
}

# npm_in FOLDER COMMAND ...: only what is compiled on purpose runs a script
npm_in() {
    local scripts=--ignore-scripts
    [ "$2" = rebuild ] && scripts=--foreground-scripts
    (cd "$1" && npm "${@:2}" "$scripts" --no-audit --no-fund --loglevel=error >&2) || fail "npm ${*:2} failed"
}

from_apt() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    $sudo apt-get -qq update >&2 && $sudo apt-get -qq install --yes --no-install-recommends "$@" >&2 ||
        fail "needs $*: install them with apt-get"
}

install_once code-server is_installed install
echo "$entry"

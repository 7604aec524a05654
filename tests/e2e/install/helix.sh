#!/bin/bash
# Installs Helix, an editor without inline completion, and prints the path of the program. Works offline once installed.
# MIDFILL_E2E_HELIX names another one to use instead.
source "$(dirname "$0")/from_debian.sh"

use_named MIDFILL_E2E_HELIX

root=$e2e_cache/helix/root
helix=$root/usr/bin/hx

is_installed() {
    [[ $("$helix" --version 2> /dev/null) == helix* ]]
}

install() {
    unpack "$root" hx
    make_private "$root" hx
}

install_once helix is_installed install
echo "$helix"

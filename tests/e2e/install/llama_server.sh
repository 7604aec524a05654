#!/bin/bash
# Installs llama.cpp's own llama-server and prints the path of the program. Works offline once installed.
# MIDFILL_E2E_LLAMA_SERVER names another one to use instead.
source "$(dirname "$0")/from_debian.sh"

use_named MIDFILL_E2E_LLAMA_SERVER

root=$e2e_cache/llama-server/root
server=$root/usr/bin/llama-server

is_installed() {
    "$server" --version > /dev/null 2>&1 && compgen -G "$root/usr/bin/libggml-cpu-*.so" > /dev/null
}

install() {
    unpack "$root" llama.cpp-tools
    make_private "$root" llama-server
    # ggml looks for its CPU backends in a fixed folder of the system and beside the program
    (cd "$root/usr/bin" && ln -sf ../lib/*/ggml/backends*/libggml-cpu-*.so .)
}

install_once llama-server is_installed install
echo "$server"

#!/bin/bash
# Installs Neovim 0.12, which no PyPI package carries, and prints the path of the program. Works offline once installed.
# MIDFILL_E2E_NVIM names another one to use instead.
source "$(dirname "$0")/from_debian.sh"

use_named MIDFILL_E2E_NVIM

root=$e2e_cache/nvim/root
nvim=$e2e_cache/nvim/nvim

is_installed() {
    [[ $("$nvim" --version 2> /dev/null | head -1) == "NVIM v0.12"* ]]
}

install() {
    unpack "$root" neovim
    make_private "$root" nvim
    cat > "$nvim" << 'WRAPPER'
#!/bin/sh
usr=$(dirname "$(readlink -f "$0")")/root/usr
export VIMRUNTIME="$usr/share/nvim/runtime"
export LUA_PATH="$usr/share/lua/5.1/?.lua;$usr/share/lua/5.1/?/init.lua;;"
export LUA_CPATH="$(echo "$usr"/lib/*/lua/5.1)/?.so;;"
exec "$usr/bin/nvim" "$@"
WRAPPER
    chmod +x "$nvim"
}

install_once nvim is_installed install
echo "$nvim"

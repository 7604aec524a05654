#!/bin/bash
# Installs luacheck, which no PyPI package carries, and prints the path of the program. Works offline once installed.
# MIDFILL_E2E_LUACHECK names another one to use instead.
source "$(dirname "$0")/from_debian.sh"

use_named MIDFILL_E2E_LUACHECK

root=$e2e_cache/luacheck/root
luacheck=$e2e_cache/luacheck/luacheck

is_installed() {
    [[ $("$luacheck" --version 2> /dev/null) == Luacheck* ]]
}

install() {
    unpack "$root" lua-check
    make_private "$root" lua5.1
    cat > "$luacheck" << 'WRAPPER'
#!/bin/sh
usr=$(dirname "$(readlink -f "$0")")/root/usr
export LUA_PATH="$usr/share/lua/5.1/?.lua;$usr/share/lua/5.1/?/init.lua"
export LUA_CPATH="$(echo "$usr"/lib/*/lua/5.1)/?.so"
exec "$usr/bin/lua5.1" "$usr/bin/luacheck" "$@"
WRAPPER
    chmod +x "$luacheck"
}

install_once luacheck is_installed install
echo "$luacheck"

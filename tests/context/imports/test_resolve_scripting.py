"""The rules of Ruby, PHP, Lua and Bash, one small project each."""

from __future__ import annotations

import pytest

from midfill_context.imports.graph import import_graph

Files = dict[str, str]

RUBY = {
    "lib/gem/core.rb": "module Gem; end",
    "lib/gem.rb": "",
    "gems/other/other.gemspec": "",
    "gems/other/lib/other.rb": "",
}
RAILS = {
    "config/application.rb": "",
    "app/models/order_item.rb": "class OrderItem; end",
    "app/models/concerns/http_client.rb": "module HTTPClient; end",
    "lib/tool.rb": "class Tool; end",
    "app/models/empty.rb": "",
}


@pytest.mark.parametrize(
    ("files", "code", "expected"),
    [
        pytest.param(RUBY, 'require "gem/core"', {"lib/gem/core.rb"}, id="require"),
        pytest.param(RUBY, "require 'gem/core.rb'", {"lib/gem/core.rb"}, id="with its ending"),
        pytest.param(RUBY, 'require_relative "../lib/gem"', {"lib/gem.rb"}, id="require_relative"),
        pytest.param(RUBY, 'require "other"', {"gems/other/lib/other.rb"}, id="lib of another gem"),
        pytest.param(RUBY, 'autoload :Core, "gem/core"', {"lib/gem/core.rb"}, id="autoload"),
        pytest.param(RUBY, 'require "json"\nrequire name\nrequire "#{x}/y"', set(), id="outside"),
        pytest.param(RAILS, "OrderItem.new", {"app/models/order_item.rb"}, id="constant of Rails"),
        pytest.param(RAILS, "include HTTPClient", {"app/models/concerns/http_client.rb"}, id="concern"),
        pytest.param(RAILS, "Tool.run", {"lib/tool.rb"}, id="constant in lib"),
        pytest.param(RAILS, "Empty.new", set(), id="a file without its constant"),
        pytest.param({"lib/tool.rb": "class Tool; end"}, "Tool.run", set(), id="no loading by name without Rails"),
    ],
)
def test_ruby(files: Files, code: str, expected: set[str]) -> None:
    assert import_graph({**files, "app/main.rb": code})["app/main.rb"] == expected


PHP = {
    "composer.json": '{"autoload": {"psr-4": {"App\\\\": "src/", "App\\\\Deep\\\\": ["deep", "deeper"]}}}',
    "src/Model/User.php": "<?php namespace App\\Model; class User {}",
    "src/Model/Role.php": "<?php namespace App\\Model; class Role {}",
    "deeper/X.php": "<?php namespace App\\Deep; class X {}",
    "legacy/old.php": "<?php namespace Old; class Thing {} function help() {}",
    "src/inc.php": "<?php",
}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("use App\\Model\\User;", {"src/Model/User.php"}, id="psr-4"),
        pytest.param("use App\\Model\\User as U;", {"src/Model/User.php"}, id="alias"),
        pytest.param("use App\\Model\\{User, Role as R};", {"src/Model/User.php", "src/Model/Role.php"}, id="group"),
        pytest.param("use App\\Deep\\X;", {"deeper/X.php"}, id="longest prefix, second folder"),
        pytest.param("use Old\\Thing;", {"legacy/old.php"}, id="by the declared namespace"),
        pytest.param("use function Old\\help;", {"legacy/old.php"}, id="function"),
        pytest.param("use Symfony\\Thing; use Closure;", set(), id="outside"),
        pytest.param("namespace App\\Model; new Role();", {"src/Model/Role.php"}, id="same namespace"),
        pytest.param("require_once __DIR__ . '/inc.php';", {"src/inc.php"}, id="beside the file"),
        pytest.param("include 'src/inc.php';", {"src/inc.php"}, id="from the top"),
        pytest.param("include 'https://example.com/x.php'; include $x;", set(), id="not a file of ours"),
    ],
)
def test_php(code: str, expected: set[str]) -> None:
    assert import_graph({**PHP, "src/Main.php": f"<?php {code}"})["src/Main.php"] == expected


@pytest.mark.parametrize("composer", ["", "{", '{"autoload": 3}', '{"autoload": {"psr-4": {"App\\\\": 5}}}'])
def test_php_without_a_usable_composer_json(composer: str) -> None:
    files = {**PHP, "composer.json": composer, "src/Main.php": "<?php use App\\Model\\User;"}
    assert import_graph(files)["src/Main.php"] == {"src/Model/User.php"}


@pytest.mark.parametrize(
    ("files", "path", "code", "expected"),
    [
        pytest.param({"a/b.lua": ""}, "m.lua", 'local b = require "a.b"', {"a/b.lua"}, id="require"),
        pytest.param({"lua/a/init.lua": ""}, "m.lua", 'require("a")', {"lua/a/init.lua"}, id="init.lua"),
        pytest.param({"x/a.lua": ""}, "x/m.lua", 'require("a")', {"x/a.lua"}, id="beside the file"),
        pytest.param({"a.lua": ""}, "m.lua", 'require("socket")', set(), id="outside"),
        pytest.param({"x/lib.sh": ""}, "x/m.sh", "source ./lib.sh", {"x/lib.sh"}, id="source"),
        pytest.param({"x/lib.sh": ""}, "x/m.sh", '. "$DIR/lib.sh"', {"x/lib.sh"}, id="own folder in a variable"),
        pytest.param({"x/lib.sh": ""}, "x/m.sh", 'source "$(dirname "$0")/lib.sh"', {"x/lib.sh"}, id="dirname"),
        pytest.param({"x/lib.sh": ""}, "m.sh", "source x/lib.sh", {"x/lib.sh"}, id="from the top"),
        pytest.param({"x/lib.sh": ""}, "m.sh", 'source "$A/$B.sh"; source /etc/profile; source ~/.x', set(),
                     id="outside"),
    ],
)  # fmt: skip
def test_lua_and_bash(files: Files, path: str, code: str, expected: set[str]) -> None:
    assert import_graph({**files, path: code})[path] == expected

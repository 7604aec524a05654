"""The rules of TypeScript and Node, one small project each."""

from __future__ import annotations

import pytest

from midfill_context.imports.graph import import_graph

MONOREPO = {
    "packages/ui/package.json": '{"name": "@org/ui", "main": "dist/index.js"}',
    "packages/ui/src/index.ts": "export * from './button'",
    "packages/ui/src/button.tsx": "export function Button() {}",
}


@pytest.mark.parametrize(
    ("files", "code", "expected"),
    [
        pytest.param({"src/b.ts": ""}, 'import "./b"', {"src/b.ts"}, id="extension"),
        pytest.param({"src/b.ts": ""}, 'import { x } from "./b.js"', {"src/b.ts"}, id="js means ts"),
        pytest.param({"src/b.mts": ""}, 'import "./b.mjs"', {"src/b.mts"}, id="mjs means mts"),
        pytest.param({"src/b.js": "", "src/b.ts": ""}, 'import "./b"', {"src/b.ts"}, id="source before script"),
        pytest.param({"src/b.spec.ts": ""}, 'import "./b.spec"', {"src/b.spec.ts"}, id="a dot in the name"),
        pytest.param({"src/b/index.tsx": ""}, 'import "./b"', {"src/b/index.tsx"}, id="index"),
        pytest.param({"src/b.ts": "", "src/b/index.ts": ""}, 'import "./b/"', {"src/b/index.ts"}, id="folder by slash"),
        pytest.param({"index.js": ""}, 'import ".."', {"index.js"}, id="index above"),
        pytest.param({"src/b/package.json": '{"main": "lib/x"}', "src/b/lib/x.js": ""}, 'import "./b"',
                     {"src/b/lib/x.js"}, id="main of a folder"),
        pytest.param({"src/b.json": "{}"}, 'import b from "./b.json"', {"src/b.json"}, id="JSON"),
        pytest.param({"src/b.vue": ""}, 'import b from "./b.vue"', {"src/b.vue"}, id="another kind of file"),
        pytest.param({"src/b.svg": ""}, 'import b from "./b.svg?raw"', {"src/b.svg"}, id="a query of the bundler"),
        pytest.param({"b.ts": ""}, 'import "../../b"', set(), id="above the top"),
        pytest.param({"react.ts": ""}, 'import "react"', set(), id="outside"),
        pytest.param({"src/b.ts": ""}, 'import type { T } from "./b"', {"src/b.ts"}, id="types"),
        pytest.param({"src/b.ts": ""}, 'import b = require("./b")', {"src/b.ts"}, id="import require"),
        pytest.param({"src/b.ts": ""}, 'const { c: d } = require("./b")', {"src/b.ts"}, id="require"),
        pytest.param({"src/b.ts": ""}, 'const b = await import("./b")', {"src/b.ts"}, id="dynamic"),
        pytest.param({"src/b.ts": ""}, 'let x: import("./b").T', {"src/b.ts"}, id="import as a type"),
        pytest.param({"src/b.ts": ""}, 'export * as b from "./b"', {"src/b.ts"}, id="export of a namespace"),
        pytest.param({"src/b.ts": ""}, 'export { x } from "./b"', {"src/b.ts"}, id="export from"),
        pytest.param({"src/a.ts": "", "src/b.ts": ""}, 'import "./main"; import "./b"', {"src/b.ts"}, id="itself"),
        pytest.param({"src/b.ts": "export { x as y } from './c'", "src/c.ts": "export const x = 1"},
                     'import { y } from "./b"', {"src/b.ts", "src/c.ts"}, id="re-export"),
        pytest.param({"src/b.ts": "export * from './c'", "src/c.ts": "export class X {}"},
                     'import { X } from "./b"', {"src/b.ts", "src/c.ts"}, id="re-export of all"),
        pytest.param({"src/b.ts": "import { x } from './c'; export { x as y }", "src/c.ts": "export const x = 1"},
                     'import { y } from "./b"', {"src/b.ts", "src/c.ts"}, id="import, then export"),
        pytest.param({"src/b.ts": "export * from './c'", "src/c.ts": "export * from './b'"},
                     'import { y } from "./b"', {"src/b.ts"}, id="cycle of re-exports"),
        pytest.param({"src/b.ts": "export { default as B } from './c'", "src/c.ts": "export default class {}"},
                     'import { B } from "./b"', {"src/b.ts", "src/c.ts"}, id="default under a name"),
    ],
)  # fmt: skip
def test_relative(files: dict[str, str], code: str, expected: set[str]) -> None:
    assert import_graph({**files, "src/main.ts": code})["src/main.ts"] == expected


@pytest.mark.parametrize(
    ("files", "code", "expected"),
    [
        pytest.param({"tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}', "src/b.ts": ""},
                     'import "@/b"', {"src/b.ts"}, id="paths"),
        pytest.param({"tsconfig.json": '{ // why\n "compilerOptions": {"paths": {"b": ["src/b"],},}, /* end */ }',
                      "src/b.ts": ""}, 'import "b"', {"src/b.ts"}, id="comments and trailing commas"),
        pytest.param({"tsconfig.json": '{"compilerOptions": {"baseUrl": "src"}}', "src/b.ts": ""},
                     'import "b"', {"src/b.ts"}, id="baseUrl"),
        pytest.param({"jsconfig.json": '{"compilerOptions": {"baseUrl": "."}}', "src/b.ts": ""},
                     'import "src/b"', {"src/b.ts"}, id="jsconfig"),
        pytest.param({"tsconfig.json": '{"compilerOptions": {"paths": {"*": ["src/x/*"], "b*": ["src/y/b*"]}}}',
                      "src/x/b1.ts": "", "src/y/b1.ts": ""}, 'import "b1"', {"src/y/b1.ts"}, id="longest pattern"),
        pytest.param({"tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["src/x/*", "src/y/*"]}}}',
                      "src/y/b.ts": ""}, 'import "@/b"', {"src/y/b.ts"}, id="second place of a pattern"),
        pytest.param({"config/base.json": '{"compilerOptions": {"paths": {"@/*": ["../src/*"]}}}',
                      "tsconfig.json": '{"extends": "./config/base"}', "src/b.ts": ""},
                     'import "@/b"', {"src/b.ts"}, id="extends"),
        pytest.param({"one.json": '{"compilerOptions": {"baseUrl": "x"}}', "src/b.ts": "",
                      "two.json": '{"compilerOptions": {"baseUrl": "src"}}',
                      "tsconfig.json": '{"extends": ["./one.json", "./two.json"]}'},
                     'import "b"', {"src/b.ts"}, id="extends several"),
        pytest.param({"tsconfig.json": '{"extends": "./tsconfig.json", "compilerOptions": {"baseUrl": "src"}}',
                      "src/b.ts": ""}, 'import "b"', {"src/b.ts"}, id="extends itself"),
        pytest.param({"tsconfig.json": '{"references": [{"path": "./tsconfig.app.json"}], "files": []}',
                      "tsconfig.app.json": '{"compilerOptions": {"paths": {"~/*": ["./src/*"]}}}', "src/b.ts": ""},
                     'import "~/b"', {"src/b.ts"}, id="references"),
        pytest.param({"tsconfig.json": '{"compilerOptions": ', "src/b.ts": ""}, 'import "@/b"', set(), id="broken"),
        pytest.param({"tsconfig.json": "[" * 100_000, "src/b.ts": ""}, 'import "@/b"', set(), id="deeply nested"),
        pytest.param({"tsconfig.json": '{"extends": 1, "compilerOptions": {"paths": 2, "baseUrl": []}}'},
                     'import "@/b"', set(), id="wrong types"),
    ],
)  # fmt: skip
def test_configured(files: dict[str, str], code: str, expected: set[str]) -> None:
    assert import_graph({**files, "src/main.ts": code})["src/main.ts"] == expected


@pytest.mark.parametrize(
    ("files", "code", "expected"),
    [
        pytest.param(MONOREPO, 'import { Button } from "@org/ui"',
                     {"packages/ui/src/index.ts", "packages/ui/src/button.tsx"}, id="source of a built main"),
        pytest.param(MONOREPO, 'import "@org/ui/src/button"', {"packages/ui/src/button.tsx"}, id="subpath"),
        pytest.param({"lib/package.json": '{"name": "lib", "exports": {".": {"types": "./t.d.ts"}, "./x": "./y.js"}}',
                      "lib/t.d.ts": "", "lib/y.ts": ""}, 'import "lib"; import "lib/x"',
                     {"lib/t.d.ts", "lib/y.ts"}, id="exports"),
        pytest.param({"lib/package.json": '{"name": "lib", "exports": {"./*": {"import": "./src/*.js"}}}',
                      "lib/src/a/b.ts": ""}, 'import "lib/a/b"', {"lib/src/a/b.ts"}, id="pattern in exports"),
        pytest.param({"lib/package.json": '{"name": "lib", "exports": "./main.js"}', "lib/main.js": "",
                      "lib/x.js": ""}, 'import "lib"; import "lib/x"', {"lib/main.js"}, id="what exports hides"),
        pytest.param({"lib/package.json": '{"name": "lib", "exports": [["./a.js"], {"node": {"default": "./b.js"}}]}',
                      "lib/b.js": ""}, 'import "lib"', {"lib/b.js"}, id="nested conditions"),
        pytest.param({"lib/package.json": '{"name": "lib"}', "lib/index.js": ""}, 'import "lib"', {"lib/index.js"},
                     id="index without main"),
        pytest.param({"lib/package.json": '{"name": "lib", "main": "out/x.js"}', "lib/code/x.ts": "",
                      "lib/tsconfig.json": '{"compilerOptions": {"rootDir": "code", "outDir": "out"}}'},
                     'import "lib"', {"lib/code/x.ts"}, id="rootDir and outDir"),
        pytest.param({"package.json": '{"imports": {"#x/*": "./src/deep/*.ts"}}', "src/deep/b.ts": ""},
                     'import "#x/b"', {"src/deep/b.ts"}, id="imports of package.json"),
        pytest.param({"package.json": '{"name": "me", "exports": {"./b": "./src/b.ts"}}', "src/b.ts": ""},
                     'import "me/b"', {"src/b.ts"}, id="the package itself"),
        pytest.param({"node_modules/lib/package.json": '{"name": "lib"}', "node_modules/lib/index.js": ""},
                     'import "lib"', set(), id="node_modules"),
        pytest.param({"lib/package.json": '{"name": ["lib"], "main": 3}', "b/package.json": "nonsense"},
                     'import "lib"', set(), id="wrong types"),
    ],
)  # fmt: skip
def test_packages(files: dict[str, str], code: str, expected: set[str]) -> None:
    assert import_graph({**files, "src/main.ts": code})["src/main.ts"] == expected

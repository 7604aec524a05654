"""The planted set: files in nine languages with things in them that a filter of the corpus must find, and near misses.

All of it is made by a small random program writer, the same under one seed. Secrets have the shape of real ones and are
put together at run time, so that no scanner of this repository finds one.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from midfill_training.corpus.documents import SourceFile

# --- programs ---


@dataclass(frozen=True)
class Style:
    """How a language writes a function over integers."""

    extension: str
    function: str
    parameter: str = "{}"
    declare: str = "{} = {};"
    test: str = "if ({}) {{"
    repeat: str = "while ({}) {{"
    close: str = "}"
    give_back: str = "return {};"
    comment: str = "//"
    before: str = ""
    after: str = ""


STYLES = {
    "python": Style(
        ".py",
        "def {}({}):",
        declare="{} = {}",
        test="if {}:",
        repeat="while {}:",
        close="",
        give_back="return {}",
        comment="#",
    ),
    "javascript": Style(".js", "function {}({}) {{", declare="let {} = {};"),
    "typescript": Style(".ts", "export function {}({}): number {{", "{}: number", "let {}: number = {};"),
    "java": Style(".java", "static int {}({}) {{", "int {}", "int {} = {};", before="class A {\n", after="}\n"),
    "c": Style(".c", "int {}({}) {{", "int {}", "int {} = {};"),
    "cpp": Style(
        ".cpp", "static int {}({}) {{", "const int {}", "auto {} = {};", before="namespace a {\n", after="}\n"
    ),
    "go": Style(
        ".go",
        "func {}({}) int {{",
        "{} int",
        "{} := {}",
        "if {} {{",
        "for {} {{",
        give_back="return {}",
        before="package sums\n\n",
    ),
    "rust": Style(".rs", "pub fn {}({}) -> i64 {{", "{}: i64", "let {} = {};", "if {} {{", "while {} {{"),
    "ruby": Style(
        ".rb",
        "def {}({})",
        declare="{} = {}",
        test="if {}",
        repeat="while {}",
        close="end",
        give_back="return {}",
        comment="#",
    ),
}
_WORDS = """
river stone cloud amber maple falcon harbor lantern meadow copper orchard willow canyon ember glacier juniper kernel
lagoon marble nectar opal pebble quartz raven saddle timber umbra valley walnut yarrow zephyr basin cedar
"""
WORDS = _WORDS.split()


class Writer:
    """Writes programs of one language; the next one is always another."""

    def __init__(self, language: str, random: Random) -> None:
        self.style, self.random = STYLES[language], random

    def name(self) -> str:
        return "_".join(self.random.sample(WORDS, 2))

    def expression(self, names: list[str]) -> str:
        parts = [self.random.choice([self.random.choice(names), str(self.random.randint(2, 999))]) for _ in range(3)]
        return (
            f"{parts[0]} {self.random.choice('+-*')} {self.random.choice(names)} {self.random.choice('+-*')} {parts[2]}"
        )

    def function(self) -> list[str]:
        style, names = self.style, [self.name(), self.name()]
        parameters = ", ".join(style.parameter.format(name) for name in names)
        lines = [style.function.format(self.name(), parameters)]
        for _ in range(self.random.randint(2, 3)):
            new = self.name()
            lines.append("    " + style.declare.format(new, self.expression(names)))
            names.append(new)
        opening = self.random.choice([style.test, style.repeat]).format(f"{names[-1]} > {names[0]}")
        lines += [f"    {opening}", "        " + style.give_back.format(self.expression(names))]
        lines += [f"    {style.close}"] if style.close else []
        lines += ["    " + style.give_back.format(self.expression(names))]
        return [*lines, style.close] if style.close else lines

    def body(self, n_functions: int = 3) -> str:
        return "\n\n".join("\n".join(self.function()) for _ in range(n_functions)) + "\n"

    def program(self, head: str = "", n_functions: int = 3) -> str:
        """A file that parses; `head` is the text of lines that become comments above the code."""
        comment = "".join(f"{self.style.comment} {line}\n" for line in head.split("\n")) if head else ""
        return comment + self.style.before + self.body(n_functions) + self.style.after


# --- what is planted ---


@dataclass(frozen=True)
class Planted:
    """`found`: the filter must drop the file, or change it so that `gone` is gone; `stays` stays in any case."""

    file: SourceFile
    found: bool
    gone: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()


def planted(stage: str, seed: int = 0) -> list[Planted]:
    """What one filter must find, and what it must leave alone."""
    makers: dict[str, Callable[[str, Writer], Iterator[Planted]]] = {
        "generated": _generated,
        "sensitive": _sensitive,
        "comments": _comments,
        "syntax": _syntax,
        "analysis": _analysis,
    }
    random = Random(f"{stage} {seed}")
    return [each for language in STYLES for each in makers[stage](language, Writer(language, random))]


def source(language: str, text: str, path: str = "", project: str = "planted") -> SourceFile:
    return SourceFile(project, path or f"src/file{STYLES[language].extension}", language, text)


MARKS = (
    "Code generated by stringwriter -type=Sum; DO NOT EDIT.",
    "Generated by the protocol buffer compiler.  DO NOT EDIT!",
    "This file was automatically generated by tablegen.",
    "@generated",
    "Licensed to the people of example.com.\n\nAUTO-GENERATED FILE, DO NOT MODIFY",
)
NO_MARKS = (
    "The sums here are generated by the caller, who may edit them.",
    "Writes code; every file of it starts with a line that says so.\nDo not edit the list while it is walked.",
    "What is\ngenerated by the server is checked by the client.",
)


def _generated(language: str, write: Writer) -> Iterator[Planted]:
    for mark in MARKS:
        yield Planted(source(language, write.program(mark)), True)
    for text in NO_MARKS:
        yield Planted(source(language, write.program(text)), False)
    quote = '"Code generated by sums. DO NOT EDIT."'
    yield Planted(source(language, write.program().replace(" + ", f" + f({quote}) + ", 1)), False)
    numbers = ",\n".join(f"    {write.random.randint(0, 99999)}, {write.random.random():.4f}" for _ in range(200))
    table = {"python": f"TABLE = [\n{numbers}\n]\n", "javascript": f"const table = [\n{numbers}\n];\n"}
    if language in table:
        yield Planted(source(language, table[language]), True)
        few = "\n".join(table[language].split("\n")[:12] + table[language].split("\n")[-2:])
        yield Planted(source(language, few + write.program(n_functions=12)), False)
    if language == "javascript":
        yield Planted(source(language, "".join(line.strip() for line in write.program("", 40).split("\n"))), True)
        yield Planted(source(language, write.program(), "dist/sums.min.js"), True)
    if language == "python":
        blob = base64.b64encode(write.random.randbytes(4000)).decode()
        yield Planted(source(language, f'DATA = "{blob}"\n{write.program()}'), True)
        yield Planted(source(language, write.program(), "sums_pb2.py"), True)


def secrets(random: Random) -> dict[str, str]:
    """One of each kind, artificial and in the real shape."""

    def some(characters: str, n: int) -> str:
        return "".join(random.choices(characters, k=n))

    both = string.ascii_letters + string.digits
    part = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({"alg": "HS256"}, {})]
    body = "\n".join(some(both + "+/", 64) for _ in range(6))
    return {
        "AWS key": "AKI" + "A" + some(string.ascii_uppercase + string.digits, 16),
        "GitHub token": "gh" + "p_" + some(both, 36),
        "GitLab token": "glp" + "at-" + some(both, 20),
        "Slack token": "xox" + "b-" + some(string.digits, 12) + "-" + some(string.digits, 12) + "-" + some(both, 24),
        "Stripe key": "sk_" + "live_" + some(both, 24),
        "JSON web token": ".".join([*part, some(both, 43)]),
        "Google key": "AI" + "za" + some(both, 35),
        "private key": body.replace("\n", ""),
        "password in a URL": some(string.ascii_lowercase, 6) + some(string.digits, 3),
        "password": some(both, 8) + "7!" + some(both, 3),
        "key by its name": some(both, 20) + some(string.digits, 8),
        "e-mail": f"{random.choice(WORDS)}.{random.choice(WORDS)}@{random.choice(WORDS)}-invented.org",
        "IPv4": f"{random.choice([62, 91, 139])}." + ".".join(str(random.randint(40, 250)) for _ in range(3)),
        "IPv6": "2a01:" + ":".join(some("123456789abcdef", 4) for _ in range(7)),
        "phone": f"+{random.choice([1, 33, 49])} {some('23456789', 3)} {some('23456789', 3)} {some('123456789', 4)}",
        "name": f"{random.choice(WORDS).title()} {random.choice(WORDS).title()}",
    }


_PLACES = {
    "password in a URL": "postgres://service:{}@db.{}-invented.org/sums",
    "password": 'password = "{}"',
    "key by its name": 'client_secret: "{}"',
    "name": "@author {}",
    "private key": "-----BEGIN RSA PRIVATE " + "KEY-----\\n{}\\n-----END RSA PRIVATE " + "KEY-----",
}
NO_SECRETS = (
    *("AKIAIOSFODNN7EXAMPLE", "BEGIN RSA PRIVATE KEY", "https://user:password@localhost/"),
    *("127.0.0.1", "0.0.0.0", "192.0.2.44", "10.11.12.13", "255.255.255.0", "version 4.12.3.1", "1.2.840.113549"),
    *("2001:db8::17", "::1", "abc::def", "std::vector::size", "12:30:45", "555-0142", "+1 212 555 0142"),
    *("sums@example.com", "git@github.com:sums/sums.git", "d41d8cd98f00b204e9800998ecf8427e"),
    *("123e4567-e89b-12d3-a456-426614174000", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    *("password = os.environ", 'password = "changeme"', 'pwd = "/etc/passwd"', 'secret = "secret"'),
    *('token = "<your token>"', 'api_key: "${API_KEY}"', "Copyright 2024 The Sums Authors"),
)


def _sensitive(language: str, write: Writer) -> Iterator[Planted]:
    for kind, secret in secrets(write.random).items():
        head = _PLACES.get(kind, "see {} for it").replace("{}", secret, 1).replace("{}", "sums")
        yield Planted(source(language, write.program(head)), True, (secret,))
        escaped = head.replace('"', '\\"')
        text = write.program().replace(" + ", f' + f("{escaped}") + ', 1)
        if '"' not in head:
            yield Planted(source(language, text), True, (secret,))
    for text in NO_SECRETS:
        yield Planted(source(language, write.program(f"see {text} for it")), False, stays=(text,))


PROSE = (
    "The sum of two stones is counted once, even where both rivers share them.\n"
    "A caller who wants each of them asks for the list, and adds it up by hand;\n"
    "that is slower by far, but exact. In the worst case (no river at all) the\n"
    "answer is zero, as one would hope. It was a different one before, when the\n"
    "harbor was still counted: see the table of changes.\n"
    "There is no other way to do it, if the meadow is to stay as it is.",
    "Usage:\n  sums = river(3, 4)\n  total = stone(sums)\n  print(total)\n  total = stone(sums)\n  print(total)",
    "Licensed under the terms of the sums; you may not use this file except in\n"
    "compliance with them. Software distributed under it is distributed on an\n"
    '"as is" basis, without warranties of any kind, either express or implied.\n'
    "See the terms for the language governing permissions and limitations.\n"
    "Copyright 2024 The Sums Authors (all of them).",
    "  a   b   c\n --  --  --\n  1   2   3\n  4   5   6\n  7   8   9\n 10  11  12",
)


def _comments(language: str, write: Writer) -> Iterator[Planted]:
    comment = write.style.comment
    for n in range(4):
        dead = write.function()
        lines = [f"{comment} {line}" if n % 2 else f"{comment}{line}" for line in dead]
        yield Planted(_between(language, write, "\n".join(lines)), True, (lines[1],))
    if comment == "//":
        dead = write.function()
        yield Planted(_between(language, write, "\n".join(["/*", *dead, "*/"])), True, (dead[1],))
    for text in PROSE:
        lines = [f"{comment} {line}" for line in text.split("\n")]
        yield Planted(_between(language, write, "\n".join(lines)), False, stays=tuple(lines))
    short = [f"{comment} {line}" for line in write.function()[1:4]]
    yield Planted(_between(language, write, "\n".join(short)), False, stays=tuple(short))


def _between(language: str, write: Writer, block: str) -> SourceFile:
    style = write.style
    return source(language, f"{style.before}{write.body(1)}\n{block}\n\n{write.body(1)}{style.after}")


def _syntax(language: str, write: Writer) -> Iterator[Planted]:
    yield Planted(source(language, write.program()), False)
    yield Planted(source(language, write.program().replace("(", "", 1)), True)
    if write.style.close:  # a program of Python that is cut short is often one, too
        yield Planted(source(language, write.program()[: -len(write.style.after) - 30]), True)
    yield Planted(source(language, f"<<<<<<< HEAD\n{write.body(1)}=======\n{write.body(1)}>>>>>>> other\n"), True)
    if language == "python":
        for old in ("print total", 'print >>log, "sum"', "exec code in names", "if a <> b: pass", "raise E, 'no'"):
            yield Planted(source(language, write.program() + f"\n\n{old}\n"), True)
        for new in ("print(total)", "print(sum, file=log)", "exec(code, names)", "raise E('no')", "type A = int"):
            yield Planted(source(language, write.program() + f"\n\n{new}\n"), False)


BUGS = (
    "class A:\n    def __init__(self):\n        return 1\n",
    "class A:\n    def __str__(self):\n        return 1\n",
    "def f():\n    try:\n        g()\n    finally:\n        return 1\n",
    "import yaml\n\nyaml.load(text)\n",
    "import requests\n\nrequests.get(address, verify=False, timeout=1)\n",
    "import logging\n\nlogging.error('%s and %s', 1)\n",
    "'%d' % 'one'\n",
    "n = 1\n++n\n",
    "raise 'no'\n",
)
NO_BUGS = (
    "class A:\n    def __init__(self):\n        return\n",
    "import pickle\n\npickle.loads(data)\n",
    "def f(a=[]):\n    assert a\n",
    "import yaml\n\nyaml.safe_load(text)\n",
    "import subprocess\n\nsubprocess.run('ls', shell=True)\n",
    "import logging\n\nlogging.error('%s and %s', 1, 2)\n",
)


def _analysis(language: str, write: Writer) -> Iterator[Planted]:
    if language == "python":
        yield from (Planted(source(language, write.program() + f"\n\n{bug}"), True) for bug in BUGS)
        yield from (Planted(source(language, write.program() + f"\n\n{code}"), False) for code in NO_BUGS)


# --- benchmarks ---


def benchmark_cases(random: Random, n: int) -> list[dict[str, object]]:
    """Cases of an infilling benchmark in the languages in turn: a function, its last lines but one to be filled in."""
    cases: list[dict[str, object]] = []
    for number in range(n):
        language = [*STYLES][number % len(STYLES)]
        lines = Writer(language, random).function()
        cases.append(
            {
                "task_id": f"Sums/{number}",
                "language": language,
                "prompt": "\n".join(lines[:2]) + "\n",
                "canonical_solution": lines[2] + "\n",
                "suffix": "\n".join(lines[3:]) + "\n",
            }
        )
    return cases


def leaks(cases: list[dict[str, object]], random: Random) -> list[Planted]:
    """Files with a whole case among their own functions, files with half of one; and as many with none."""
    found = []
    for number, case in enumerate(cases):
        language = str(case["language"])
        write = Writer(language, random)
        text = f"{case['prompt']}{case['canonical_solution']}{case['suffix']}"
        leaked = text if number % 2 else "\n".join(text.split("\n")[1:])
        found.append(Planted(source(language, f"{write.body(1)}\n{leaked}\n{write.body(1)}"), True))
        found.append(Planted(source(language, write.program()), False))
    return found

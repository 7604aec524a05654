"""Licences as metadata and files state them, and which of them let code in."""

from __future__ import annotations

import json

import pytest

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.licences import (
    LicenceFilter,
    expression_of,
    identified,
    is_accepted,
    of_classifiers,
    stated_in,
    with_files,
)
from midfill_training.corpus.metadata import Metadata, read_metadata
from midfill_training.corpus.settings import LicenceSettings
from training.planted_projects import GPL, MIT

ACCEPTED = {"mit", "apache-2.0", "bsd-3-clause"}


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND (GPL-2.0-only OR Apache-2.0)", True),
        ("GPL-2.0-only AND MIT OR BSD-3-Clause", True),
        ("GPL-2.0-only AND (MIT OR BSD-3-Clause)", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("MIT/Apache-2.0", True),
        ("MIT, GPL-2.0-only", False),
        ("SEE LICENSE IN FILE", False),
        ("MIT MIT", False),
        ("(MIT", False),
        ("MIT)", False),
        ("AND MIT", False),
        ("MIT OR", False),
        ("", False),
    ],
)
def test_expressions(expression: str, accepted: bool) -> None:
    assert is_accepted(expression, ACCEPTED) is accepted


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("# SPDX-License-Identifier: MIT\nx = 1\n", "MIT"),
        (
            "/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */\n",
            "GPL-2.0-only WITH Linux-syscall-note",
        ),
        ("<!-- SPDX-License-Identifier: MIT -->", "MIT"),
        ("x = 1\n", ""),
        ("\n" * 3000 + "# SPDX-License-Identifier: MIT", ""),
    ],
)
def test_headers_of_files(text: str, licence: str) -> None:
    assert stated_in(text) == licence


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("MIT License", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("BSD", "BSD-3-Clause"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("MPL-2.0", "MPL-2.0"),
        (MIT, "MIT"),
        ("any words\nthat are no licence", ""),
    ],
)
def test_free_text(name: str, licence: str) -> None:
    assert expression_of(name) == licence


def test_classifiers() -> None:
    both = ["License :: OSI Approved :: MIT License", "License :: OSI Approved :: BSD License", "Topic :: Software"]
    assert of_classifiers(both) == "MIT AND BSD-3-Clause"
    assert of_classifiers(["License :: OSI Approved"]) == ""


def test_licence_texts() -> None:
    assert identified(MIT) == "MIT"
    assert identified(MIT.replace("2024 The authors", "1999-2026 Somebody Else Ltd.")) == "MIT"
    assert identified(GPL) == "GPL-2.0-only"  # the heading of a text that was cut
    assert identified("Do what you like.") == ""


@pytest.mark.parametrize(
    ("declared", "texts", "expression"),
    [
        ("", [MIT], "MIT"),
        ("MIT", [MIT], "MIT"),
        ("MIT", [GPL], "MIT AND GPL-2.0-only"),
        ("MIT OR Apache-2.0", [MIT], "MIT OR Apache-2.0"),
        ("MIT OR GPL-2.0-or-later", [GPL], "MIT OR GPL-2.0-or-later"),
        ("MIT OR Apache-2.0", [GPL], "(MIT OR Apache-2.0) AND GPL-2.0-only"),
        ("Apache-2.0", ["unknown"], "Apache-2.0"),
        ("", [], ""),
    ],
)
def test_metadata_and_files_hold_together(declared: str, texts: list[str], expression: str) -> None:
    assert with_files(declared, texts) == expression


HEADERS = "Metadata-Version: 2.1\nName: thing\nVersion: 2\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"PKG-INFO": HEADERS + "License-Expression: MIT\n"}, Metadata("thing", "2", "MIT")),
        ({"thing-2.dist-info/METADATA": HEADERS + "License: BSD\n"}, Metadata("thing", "2", "BSD-3-Clause")),
        ({"PKG-INFO": HEADERS + "License: UNKNOWN\n"}, Metadata("thing", "2", "")),
        (
            {"PKG-INFO": HEADERS + "License: see file\nClassifier: License :: OSI Approved :: MIT License\n"},
            Metadata("thing", "2", "MIT"),
        ),
        ({"sub/PKG-INFO": HEADERS}, Metadata()),
        ({"package.json": json.dumps({"name": "a", "version": "1", "license": "ISC"})}, Metadata("a", "1", "ISC")),
        (
            {"package.json": json.dumps({"licenses": [{"type": "MIT"}, {"type": "BSD"}]})},
            Metadata("", "", "MIT OR BSD-3-Clause"),
        ),
        ({"package.json": "[1]"}, Metadata()),
        ({"package.json": "{"}, Metadata()),
        ({"pyproject.toml": "[project]\nlicense = 'MIT'\n"}, Metadata("", "", "MIT")),
        ({"pyproject.toml": "[project]\nlicense = {text = 'BSD'}\n"}, Metadata("", "", "BSD-3-Clause")),
        ({"pyproject.toml": "[project\n"}, Metadata()),
        (
            {"Cargo.toml": "[package]\nname='c'\nversion='1'\nlicense='MIT/Apache-2.0'\n"},
            Metadata("c", "1", "MIT/Apache-2.0"),
        ),
        ({"Cargo.toml": "[package]\nname='c'\nversion.workspace=true\n"}, Metadata("c", "", "")),
        ({"composer.json": json.dumps({"license": ["MIT", "GPL-2.0-only"]})}, Metadata("", "", "MIT OR GPL-2.0-only")),
        (
            {"pom.xml": "<licenses><license><name>The Apache License, Version 2.0</name></license></licenses>"},
            Metadata("", "", "Apache-2.0"),
        ),
        (
            {"package.json": json.dumps({"name": "a"}), "pyproject.toml": "[project]\nlicense = 'MIT'\n"},
            Metadata("a", "", "MIT"),
        ),
    ],
)
def test_metadata(files: dict[str, str], expected: Metadata) -> None:
    assert read_metadata(files) == expected


@pytest.mark.parametrize(
    ("licence", "text", "settings", "reason"),
    [
        ("MIT", "", LicenceSettings(), ""),
        ("GPL-3.0-only", "", LicenceSettings(), "licence GPL-3.0-only"),
        ("", "", LicenceSettings(), "no licence found"),
        ("", "", LicenceSettings(accept_unknown=True), ""),
        ("MPL-2.0", "", LicenceSettings(also_accepted=("mpl-2.0",)), ""),
        ("GPL-3.0-only", "# SPDX-License-Identifier: MIT", LicenceSettings(), ""),
        ("MIT", "# SPDX-License-Identifier: GPL-3.0-only", LicenceSettings(), "licence GPL-3.0-only"),
    ],
)
def test_the_filter(licence: str, text: str, settings: LicenceSettings, reason: str) -> None:
    (verdict,) = LicenceFilter(settings)([SourceFile("p", "a.py", "python", text, licence)])
    assert verdict.reason == reason
    assert (verdict.file is None) is bool(reason)
    if verdict.file:
        assert verdict.file.licence == (stated_in(text) or licence)

"""Settings from the wire: what is wrong is named, what is right is taken."""

from __future__ import annotations

from dataclasses import fields

import pytest

from midfill_lsp.settings import RemoteSettings, Settings, needs_new_engine, settings_from, settings_table


def test_nothing_set_gives_the_defaults() -> None:
    for wire in (None, {}, {"midfill": None}, {"model": None}):
        assert settings_from(wire) == (Settings(), [])


@pytest.mark.parametrize("wrap", [lambda wire: wire, lambda wire: {"midfill": wire, "editor": {"tabSize": 2}}])
def test_camel_case_keys_are_taken_with_and_without_their_section(wrap: object) -> None:
    wire = {
        "model": "/m.gguf",
        "enabled": False,
        "disabledLanguages": ["markdown"],
        "maxTokens": 12,
        "temperature": 1,
        "remote": {"url": "http://team:8080", "apiKeyEnv": "KEY"},
        "logLevel": "debug",
    }
    settings, problems = settings_from(wrap(wire))  # type: ignore[operator]
    assert problems == []
    assert settings == Settings(
        model="/m.gguf",
        enabled=False,
        disabled_languages=("markdown",),
        max_tokens=12,
        temperature=1.0,
        remote=RemoteSettings(url="http://team:8080", api_key_env="KEY"),
        log_level="debug",
    )


@pytest.mark.parametrize(
    ("wire", "problem"),
    [
        ({"maxTokns": 3}, "maxTokns: no such setting, did you mean maxTokens?"),
        ({"max_tokens": 3}, "max_tokens: no such setting, did you mean maxTokens?"),
        ({"qqq": 3}, "qqq: no such setting"),
        ({"remote": {"uri": "x"}}, "remote.uri: no such setting, did you mean remote.url?"),
        ({"maxTokens": "48"}, "maxTokens: must be a whole number"),
        ({"maxTokens": True}, "maxTokens: must be a whole number"),
        ({"maxTokens": 1.5}, "maxTokens: must be a whole number"),
        ({"maxTokens": 0}, "maxTokens: must be between 1 and 4096"),
        ({"maxTokens": float("inf")}, "maxTokens: must be a whole number"),
        ({"topP": 2}, "topP: must be between 0 and 1"),
        ({"enabled": 1}, "enabled: must be true or false"),
        ({"model": ["a"]}, "model: must be a string"),
        ({"disabledLanguages": "python"}, "disabledLanguages: must be a list of strings"),
        ({"disabledLanguages": [1]}, "disabledLanguages: must be a list of strings"),
        ({"logLevel": "loud"}, "logLevel: must be one of debug, info, warning, error"),
        ({"remote": "http://x"}, "remote: must be an object"),
        ({"remote": {"url": 5}}, "remote.url: must be a string"),
        (["maxTokens"], "midfill: must be an object"),
        ("maxTokens", "midfill: must be an object"),
    ],
)
def test_a_bad_key_is_named_and_keeps_what_it_had(wire: object, problem: str) -> None:
    base = Settings(max_tokens=7, model="m")
    assert settings_from(wire, base) == (base, [problem])


def test_a_bad_key_does_not_spoil_the_good_ones() -> None:
    settings, problems = settings_from({"maxTokens": "many", "nThreads": 3, "colour": "red"})
    assert settings == Settings(n_threads=3)
    assert [problem.partition(":")[0] for problem in problems] == ["maxTokens", "colour"]


@pytest.mark.parametrize(
    ("wire", "is_new"),
    [
        ({"model": "other"}, True),
        ({"nThreads": 2}, True),
        ({"contextTokens": 512}, True),
        ({"remote": {"url": "http://team"}}, True),
        ({"enabled": False}, True),
        ({"maxTokens": 5, "temperature": 1, "debounceMs": 9, "disabledLanguages": ["c"]}, False),
    ],
)
def test_what_needs_a_new_engine(wire: object, is_new: bool) -> None:
    assert needs_new_engine(Settings(), settings_from(wire)[0]) is is_new


def test_the_table_has_a_row_for_every_setting() -> None:
    table = settings_table()
    assert "| `maxTokens` | `48` | 1 to 4096 | longest completion in tokens |\n" in table
    assert "| `disabledLanguages` | `[]` | list of strings |" in table
    assert '| `remote.apiKeyEnv` | `""` | string |' in table
    n_settings = len(fields(Settings)) - 1 + len(fields(RemoteSettings))
    assert table.count("\n") == 2 + n_settings

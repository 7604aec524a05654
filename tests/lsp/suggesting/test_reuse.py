"""What a suggestion that was made elsewhere still says of a cursor. `|` marks the cursor."""

from __future__ import annotations

import random

import pytest

from midfill_context.cursor import Cursor
from midfill_lsp.settings import Settings
from midfill_lsp.suggesting.reuse import N_KEPT, Reused, SuggestionCache
from midfill_lsp.suggesting.suggestion import Suggestion
from midfill_model.engine import StopReason

URI = "file:///project/a.py"


def at(marked: str) -> Cursor:
    prefix, suffix = marked.split("|")
    return Cursor("a.py", "python", prefix, suffix)


def reused(text: str | None, n_replaced: int = 0) -> Reused:
    return Reused(Suggestion(text, StopReason.LINE, n_replaced) if text is not None else None)


def found(cache: SuggestionCache, cursor: Cursor, settings: Settings | None = None) -> tuple[str, int] | str | None:
    """Text and characters replaced; `nothing` where it is known that there is none, `None` where nothing is known."""
    known = cache.find(settings or Settings(), URI, cursor)
    if known is None:
        return None
    return (known.suggestion.text, known.suggestion.n_replaced) if known.suggestion else "nothing"


@pytest.mark.parametrize(
    ("made", "text", "now", "expected"),
    [
        pytest.param("x = |\n", "foo(a)", "x = |\n", ("foo(a)", 0), id="same place"),
        pytest.param("x = |\n", "foo(a)", "x = fo|\n", ("o(a)", 0), id="typed through"),
        pytest.param("x = |\n", "foo(a)", "x = foo(a|\n", (")", 0), id="typed nearly all"),
        pytest.param("x = |\n", "foo(a)", "x = foo(a)|\n", None, id="typed all"),
        pytest.param("x = |\n", "foo(a)", "x = fa|\n", None, id="typed something else"),
        pytest.param("x = |\n", "foo(a)", "x =|\n", None, id="deleted what was before it"),
        pytest.param("x = |\n", "foo(a)", "y = fo|\n", None, id="another text before"),
        pytest.param("x = |\n", "foo(a)", "x = fo|\ny\n", None, id="another text behind"),
        pytest.param("x = |\n", "foo(a)", "x = fo|", None, id="a line end less"),
        pytest.param("x = |", "foo(a)", "x = fo|o", None, id="something behind"),
        pytest.param("|", "if a:\n    b\n    c", "if a:\n|", ("    b\n    c", 0), id="first line accepted"),
        pytest.param("|", "if a:\n    b\n    c", "if a:\n    |", ("b\n    c", 0), id="typed a line and an indentation"),
        pytest.param("|", "if a:\n    b\n", "if a:\n    b|", None, id="white space is left"),
        pytest.param("x = |\n", None, "x = |\n", "nothing", id="nothing there"),
        pytest.param("x = |\n", None, "x = f|\n", None, id="nothing there, but typed on"),
        # Brackets and quotes that the editor has closed
        pytest.param("x = |\n", "foo(a)", "x = foo(|)\n", ("a", 0), id="the suggestion ends as the editor closed"),
        pytest.param("x = |\n", "foo(a)", "x = foo(a|)\n", None, id="nothing but what the editor closed is left"),
        pytest.param("x = |\n", "foo(a) + b", "x = foo(|)\n", ("a) + b", 1), id="it goes on behind the bracket"),
        pytest.param("x = |\n", "foo(a", "x = foo(|)\n", None, id="it does not close the bracket"),
        pytest.param("x = |\n", "f([1])", "x = f([|])\n", ("1", 0), id="two brackets"),
        pytest.param("x = |\n", 'f("a", b)', 'x = f("|")\n', ('a", b)', 2), id="a quote in brackets"),
        pytest.param("f(|)\n", 'g("a")', 'f(g("|"))\n', ("a", 0), id="brackets that stood there before"),
        pytest.param("|\n}\n", "if (a) {\n  b\n}", "if (a) {\n  |\n}\n}\n", ("b", 0), id="a block"),
        pytest.param("|\n}\n", "if (a) {\n  b\n} else c", "if (a) {\n  |\n}\n}\n", None, id="a block that goes on"),
    ],
)
def test_find(made: str, text: str | None, now: str, expected: object) -> None:
    cache = SuggestionCache()
    cache.keep(Settings(), URI, at(made), reused(text))
    assert found(cache, at(now)) == expected


def test_what_is_replaced_stays_so_while_typing() -> None:
    cache = SuggestionCache()
    cache.keep(Settings(), URI, at("f(|)\n"), reused("a) + g(b)", 1))
    assert found(cache, at("f(a|)\n")) == (") + g(b)", 1)
    assert found(cache, at("f(a) + g(|))\n")) == ("b)", 2)


def test_backspace_returns_to_the_former_suggestion() -> None:
    cache = SuggestionCache()
    cache.keep(Settings(), URI, at("x = |\n"), reused("foo(a)"))
    cache.keep(Settings(), URI, at("x = b|\n"), reused("ar(c)"))
    assert found(cache, at("x = b|\n")) == ("ar(c)", 0)
    assert found(cache, at("x = |\n")) == ("foo(a)", 0)
    assert found(cache, at("x = fo|\n")) == ("o(a)", 0)


def test_the_nearest_place_counts() -> None:
    cache = SuggestionCache()
    cache.keep(Settings(), URI, at("x = |\n"), reused("foo(a)"))
    cache.keep(Settings(), URI, at("x = f|\n"), reused("un(b)"))
    assert found(cache, at("x = fu|\n")) == ("n(b)", 0)
    assert found(cache, at("x = fo|\n")) == ("o(a)", 0)


@pytest.mark.parametrize("change", ["uri", "path", "language", "settings", "forgotten", "another document"])
def test_what_makes_it_void(change: str) -> None:
    cache, cursor = SuggestionCache(), at("x = |\n")
    cache.changed(URI)
    cache.keep(Settings(), URI, cursor, reused("foo(a)"))
    cache.changed(URI)
    assert found(cache, cursor) == ("foo(a)", 0)
    if change == "uri":
        assert cache.find(Settings(), "file:///project/b.py", cursor) is None
    elif change == "path":
        assert found(cache, Cursor("pkg/a.py", "python", cursor.prefix, cursor.suffix)) is None
    elif change == "language":
        assert found(cache, Cursor("a.py", "javascript", cursor.prefix, cursor.suffix)) is None
    elif change == "settings":
        assert found(cache, cursor, Settings(max_tokens=7)) is None
    elif change == "forgotten":
        cache.forget(URI)
        assert found(cache, cursor) is None
    else:
        cache.changed("file:///project/b.py")
        assert found(cache, cursor) is None


@pytest.mark.parametrize("edit", ["above", "below"])
def test_an_edit_far_away_makes_it_void(edit: str) -> None:
    """The suggestion was found valid in another file."""
    cache = SuggestionCache()
    cache.keep(Settings(), URI, at("a\n" * 5000 + "x = |\n" + "b\n" * 5000), reused("foo(a)"))
    above, below = ("(\n", "") if edit == "above" else ("", ")\n")
    assert found(cache, at(above + "a\n" * 5000 + "x = fo|\n" + "b\n" * 5000 + below)) is None


def test_the_oldest_goes_first_and_use_keeps_young() -> None:
    cache = SuggestionCache()
    cache.keep(Settings(), URI, at("x = |\n"), reused("foo(a)"))
    for number in range(N_KEPT):
        assert found(cache, at("x = f|\n")) == ("oo(a)", 0)
        cache.keep(Settings(), URI, at(f"{number} = |\n"), reused("b"))
    assert found(cache, at("0 = |\n")) is None
    assert found(cache, at("1 = |\n")) == ("b", 0)
    assert found(cache, at("x = |\n")) == ("foo(a)", 0)


def test_whatever_is_typed_the_file_in_the_end_is_the_same() -> None:
    """Accepting a reused suggestion leads to the file that the whole suggestion would have led to."""
    rng = random.Random(4)
    n_found = 0
    for _ in range(3000):
        text = "".join(rng.choices("ab()[]{}\"'\n ", k=rng.randint(1, 12)))
        prefix, suffix = ("".join(rng.choices("ab)\n }", k=rng.randint(0, 4))) for _ in range(2))
        rest_of_line = len(suffix.partition("\n")[0])
        made = reused(text, rng.randint(0, rest_of_line))
        cache = SuggestionCache()
        cache.keep(Settings(), URI, Cursor("a.py", "python", prefix, suffix), made)
        assert made.suggestion is not None
        typed = text[: rng.randint(0, len(text))]
        closed = "".join(rng.choices(")]}\"'\n ", k=rng.randint(0, 2)))
        now = Cursor("a.py", "python", prefix + typed, closed + suffix)
        known = cache.find(Settings(), URI, now)
        if known and known.suggestion:
            n_found += 1
            whole = prefix + text + suffix[made.suggestion.n_replaced :]
            assert now.prefix + known.suggestion.text + now.suffix[known.suggestion.n_replaced :] == whole
            assert "\n" not in now.suffix[: known.suggestion.n_replaced]
    assert n_found > 300

"""Similar code: files by BM25, windows in them, and an index that follows every change."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from memory_view import MemoryView
from midfill_context.cursor import Cursor
from midfill_context.languages import language_of
from midfill_context.retrieval.similar import SimilarChunks
from midfill_context.retrieval.surroundings import surroundings
from midfill_context.retrieval.term_index import TermIndex
from midfill_context.retrieval.texts import Text, Texts
from midfill_context.retrieval.windows import N_SHOWN, Similarity, best_window

FILLER = "\n".join(f"unrelated_{number} = {number}" for number in range(60))
USE = "client = connect(address)\nclient.send(packet)\nreply = client.receive()\nstore(reply)\n"


def query_of(*words: str) -> dict[str, float]:
    return dict.fromkeys(words, 1.0)


def test_files_by_their_terms() -> None:
    index = TermIndex()
    index.put("net.py", {"open_socket": 3, "port": 1})
    index.put("gui.py", {"open_window": 3, "port": 1})
    index.put("empty.py", {})
    assert index.best(query_of("socket"), 5) == ["net.py"]
    assert set(index.best(query_of("open"), 5)) == {"net.py", "gui.py"}
    assert index.best(query_of("open", "window"), 1) == ["gui.py"]
    assert index.best(query_of("open"), 5, without=["gui.py"]) == ["net.py"]
    assert index.best(query_of("nothing"), 5) == []


def test_how_much_a_term_tells() -> None:
    index = TermIndex()
    index.put("net.py", {"socket": 1, "port": 1})
    index.put("gui.py", {"window": 1, "port": 1})
    index.put("tui.py", {"window": 1, "curses": 1})
    idf = index.idf(["socket", "port", "nothing"])
    assert idf["socket"] > idf["port"]
    assert "nothing" not in idf
    assert index.idf(["socket", "port", "window"], without="net.py").keys() == {"port", "window"}
    assert index.idf(["port"], without="net.py")["port"] == index.idf(["curses"], without="net.py")["curses"]


def test_an_empty_index_finds_nothing() -> None:
    assert TermIndex().best(query_of("a"), 3) == []


def test_after_any_changes_the_index_is_as_a_new_one() -> None:
    choose = random.Random(3)
    words = [f"word{number}" for number in range(30)]
    index, files = TermIndex(), dict[str, Counter[str]]()
    for _ in range(400):
        path = f"f{choose.randrange(25)}.py"
        if choose.random() < 0.3:
            index.remove(path)
            files.pop(path, None)
        else:
            files[path] = Counter(choose.choices(words, k=choose.randrange(40)))
            index.put(path, files[path])
    fresh = TermIndex()
    for path, counts in files.items():
        fresh.put(path, counts)
    assert len(index) == len(fresh) == len(files)
    assert index.idf(words) == fresh.idf(words)
    for word in words:
        assert set(index.best(query_of(word), 50)) == set(fresh.best(query_of(word), 50))


@pytest.mark.parametrize("similarity", ["bm25", "jaccard"])
def test_the_window_shows_what_follows_the_similar_lines(similarity: Similarity) -> None:
    text = Text(f"{FILLER}\n{USE}{FILLER}\n")
    found = best_window(text, query_of("connect", "address", "client"), similarity)
    assert found is not None
    assert found.first_line <= 61
    assert found.last_line >= 64
    assert found.last_line - found.first_line == N_SHOWN - 1


def test_jaccard_prefers_what_says_little_else() -> None:
    noise = "".join(f"client.connect(address, port_{n}, token_{n}, retry_{n})\n" for n in range(12))
    text, query = (
        Text(f"{noise}{FILLER}\nclient.connect(address)\n{FILLER}\n"),
        query_of("connect", "address", "client"),
    )
    by_bm25, by_jaccard = best_window(text, query, "bm25"), best_window(text, query, "jaccard")
    assert by_bm25 is not None
    assert by_jaccard is not None
    assert by_bm25.last_line < by_jaccard.first_line


@pytest.mark.parametrize("text", ["", "\n\n", "nothing = 1\n", "ß" * 40 + "İ\n"])
def test_no_window(text: str) -> None:
    assert best_window(Text(text), query_of("connect"), "bm25") is None


def found_by(similar: SimilarChunks, text: str, path: str = "main.py") -> list[str]:
    while similar.refresh(max_ms=5):
        pass
    language = language_of(path)
    cursor = Cursor(path, language.id if language else "", text, "")
    return [found for found, _ in similar.find(cursor, surroundings(cursor), "bm25", lambda: False)]


def test_the_files_are_those_of_the_workspace_now() -> None:
    view = MemoryView({"a.py": USE, "b.py": FILLER, "c.ts": USE, "main.py": USE})
    similar = SimilarChunks(view, Texts(view))
    query = "client = connect("
    assert found_by(similar, query) == ["a.py"]
    view.write("b.py", USE)
    view.remove("a.py")
    assert found_by(similar, query) == ["b.py"]
    view.write("b.py", FILLER)
    assert found_by(similar, query) == []
    assert found_by(similar, query, path="other.tsx") == ["c.ts"]


def test_nothing_is_found_without_time() -> None:
    view = MemoryView({"a.py": USE})
    similar = SimilarChunks(view, Texts(view))
    cursor = Cursor("main.py", "python", USE, "")
    assert list(similar.find(cursor, surroundings(cursor), "bm25", lambda: False)) == []
    similar.refresh(max_ms=50)
    assert list(similar.find(cursor, surroundings(cursor), "bm25", lambda: True)) == []


@pytest.mark.parametrize(
    ("text", "first", "last", "secret"),
    [
        ('a = 1\npassword = "hunter2&co!"\n', 1, 2, "hunter2&co!"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA\n" * 9 + "-----END RSA PRIVATE KEY-----",
            3,
            6,
            "MIIEpAIBAAKCAQEA",
        ),
    ],
)
def test_secrets_are_blanked(text: str, first: int, last: int, secret: str) -> None:
    shown = Text(text).shown(first, last)
    assert secret not in shown
    assert secret in text

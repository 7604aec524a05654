"""Secrets in a text: tokens of known services, private keys, passwords in URLs and in assignments.

The shapes of tokens are detect-secrets' own. Its scanner reads 0.07 MB/s; here its patterns run on those lines alone
that hold a fixed part of the token (`AKIA`, `ghp_`, ...), at 20 MB/s. Its detectors without a fixed part, and those of
high entropy, are left out: digests, test data and long dotted names would be most of what they find. A random string
counts as a secret where the name that it is given says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module


@dataclass(frozen=True, order=True)
class Span:
    """`text[start:end]` is a `kind`: KEY, PRIVATE_KEY or PASSWORD here; users of the detector add their own kinds."""

    start: int
    end: int
    kind: str


def find_secrets(text: str) -> list[Span]:
    """The secrets of a text in order, without overlaps; the first call loads detect-secrets (0.6 s)."""
    found = [*_private_keys(text), *_tokens(text), *_assigned(text), *_environment(text)]
    return without_overlaps(found)


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """The spans in order; of two that overlap the one that starts first, of these the longer."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def replace_spans(text: str, spans: Iterable[Span], replacement: Callable[[Span], str]) -> str:
    """The text with each span replaced; the spans are in order and do not overlap."""
    parts, end = [], 0
    for span in spans:
        parts += [text[end : span.start], replacement(span)]
        end = span.end
    return "".join([*parts, text[end:]])


def lines_with(text: str, anchors: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The offset of each line that holds one of the anchors, and the line; a line comes once an anchor."""
    for anchor in anchors:
        at = text.find(anchor)
        while at >= 0:
            start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            end = len(text) if end < 0 else end
            yield start, text[start:end]
            at = text.find(anchor, end)


def lowered(text: str) -> str:
    """The text in lower case, letter for letter; as it is when it has one of the few (İ) that become two."""
    small = text.lower()
    return small if len(small) == len(text) else text


# --- tokens ---


@dataclass(frozen=True)
class _Detector:
    """`group` of the patterns is the secret; a line is looked at when it holds one of `anchors`."""

    anchors: tuple[str, ...]
    patterns: Sequence[re.Pattern[str]]
    group: int = 0
    kind: str = "KEY"


# Detectors of detect-secrets (module:class) and what every token of theirs has in it.
_PLUGINS = (
    ("aws:AWSKeyDetector", ("AKIA", "ASIA", "ABIA", "ACCA", "A3T")),
    ("azure_storage_key:AzureStorageKeyDetector", ("AccountKey=",)),
    ("github_token:GitHubTokenDetector", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    ("gitlab_token:GitLabTokenDetector", ("glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "GR1348941", "glcbt-")),
    ("jwt:JwtTokenDetector", ("eyJ",)),
    ("mailchimp:MailchimpDetector", ("-us",)),
    ("npm:NpmDetector", ("_authToken",)),
    ("openai:OpenAIDetector", ("T3BlbkFJ",)),
    ("pypi_token:PypiTokenDetector", ("pypi-AgE",)),
    ("sendgrid:SendGridDetector", ("SG.",)),
    ("slack:SlackDetector", ("xox", "XOX", "hooks.slack.com")),
    ("square_oauth:SquareOAuthDetector", ("sq0csp-",)),
    ("stripe:StripeDetector", ("k_live_",)),
    ("telegram_token:TelegramBotTokenDetector", (":AA",)),
    ("twilio:TwilioKeyDetector", ("AC", "SK")),
)
# Services that detect-secrets does not know.
_OWN = (
    _Detector(("AIza",), (re.compile(r"AIza[\w-]{35}(?![\w-])"),)),
    _Detector(("github_pat_",), (re.compile(r"github_pat_\w{60,}"),)),
    _Detector(("sk-",), (re.compile(r"\bsk-(?:ant|proj|or)-[\w-]{32,}"),)),
    _Detector(("hf_",), (re.compile(r"\bhf_[A-Za-z]{34}\b"),)),
    _Detector(("AGE-SECRET-KEY-",), (re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),)),
)
_NO_HOST = re.compile(r"localhost|127\.|example\.")  # whose password opens no door
_REST_OF_TOKEN = re.compile(r"(?:[\w+/=-]|\.(?=[\w+/=-]))*")  # but for the stop of a sentence


@cache
def _detectors() -> tuple[_Detector, ...]:
    basic_auth = _plugin("basic_auth:BasicAuthDetector")
    passwords = _Detector(("://",), basic_auth.denylist, group=1, kind="PASSWORD")
    return (*(_Detector(anchors, _plugin(name).denylist) for name, anchors in _PLUGINS), *_OWN, passwords)


def _plugin(name: str):  # type: ignore[no-untyped-def]  # detect-secrets has no types
    module, _, class_name = name.partition(":")
    return getattr(import_module(f"detect_secrets.plugins.{module}"), class_name)


def _tokens(text: str) -> Iterator[Span]:
    for detector in _detectors():
        for start, line in lines_with(text, detector.anchors):
            for pattern in detector.patterns:
                for match in pattern.finditer(line):
                    yield from _token(start, line, match, detector)


def _token(start: int, line: str, match: re.Match[str], detector: _Detector) -> Iterator[Span]:
    """The whole run of characters, since some patterns of detect-secrets end within their token."""
    begin, end = match.span(detector.group)
    if detector.group:
        if _NO_HOST.match(line, match.end()):
            return
    else:
        end = _REST_OF_TOKEN.match(line, end).end()  # type: ignore[union-attr]  # it matches everywhere
    if not _is_placeholder(line[begin:end]):
        yield Span(start + begin, start + end, detector.kind)


# --- private keys ---

_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"(?:(?<=\\[nr])|(?<![\\\w+/=]))[A-Za-z0-9+/=]{16,}")  # the n of `\n` belongs to the escape
_LONGEST_KEY = 16_384


def _private_keys(text: str) -> Iterator[Span]:
    """The body of each key; line by line where quotes stand between the lines, so that strings stay strings."""
    for begins in _KEY_BEGINS.finditer(text) if "PRIVATE KEY" in text else ():
        end = text.find("-----END", begins.end(), begins.end() + _LONGEST_KEY)
        lines = [match.span() for match in _KEY_LINE.finditer(text, begins.end(), max(end, 0))]
        if not lines:
            continue  # the marker alone, as in a test for it
        if any(quote in text[lines[0][0] : lines[-1][1]] for quote in "\"'`"):
            yield from (Span(start, end, "PRIVATE_KEY") for start, end in lines)
        else:
            yield Span(lines[0][0], lines[-1][1], "PRIVATE_KEY")


# --- passwords and keys by the name that they are given ---

_PASSWORD_NAMES = ("password", "passwd", "passphrase", "pwd")
_KEY_NAMES = ("secret", "token", "api_key", "apikey", "api-key", "access_key", "accesskey", "auth_key", "private_key")
# After the name: what is left of it, an operator, a value in quotes. `"password": "..."`, `setPassword("...")`.
_VALUE = re.compile(r"""(\w*)["'\]]{0,2}(?:\s{0,3}(?::?=|:|=>|==)\s{0,3}|\(\s?)[@rbu$]?(["'`])([^\s"'`]{6,200})\2""")
_ENVIRONMENT = re.compile(
    r"^(?:export )?[A-Z0-9_]*(PASSWORD|PASSWD|PWD|SECRET|TOKEN|KEY)=([^\s\"'`#;&|]{6,200})$", re.M
)
_NAMES_NO_SECRET = re.compile(r"hash|digest|md5|sha\d|url|path|file|name|type|field|pattern|regex|uuid|id$", re.I)
_WORDS = re.compile(r"[A-Za-z_.:/ -]+\d{0,2}")
_PLACEHOLDER = re.compile(
    r"[{}<>$%\\]|\.\.\.|\*\*\*|x{4}|passw|secret|token|example|dummy|fake|change|placeholder|your|1234|abcd|foobar|[./]test",
    re.I,
)


def _assigned(text: str) -> Iterator[Span]:
    small = lowered(text)
    for names, kind, is_secret in ((_PASSWORD_NAMES, "PASSWORD", _is_password), (_KEY_NAMES, "KEY", _is_random)):
        for name in names:
            at = small.find(name)
            while at >= 0:
                match = _VALUE.match(text, at + len(name))
                if match and not _NAMES_NO_SECRET.search(match[1]) and is_secret(match[3]):
                    yield Span(*match.span(3), kind)
                at = small.find(name, at + len(name))


def _environment(text: str) -> Iterator[Span]:
    """`DB_PASSWORD=...` without quotes, as .env files and shell scripts have it."""
    for match in _ENVIRONMENT.finditer(text) if "=" in text else ():
        is_key = match[1] in ("SECRET", "TOKEN", "KEY")
        if _is_random(match[2]) if is_key else _is_password(match[2]):
            yield Span(*match.span(2), "KEY" if is_key else "PASSWORD")


def _is_placeholder(value: str) -> bool:
    """`<your-token>`, `${TOKEN}`, `xxxx`, a documented example: nothing that opens a door."""
    return bool(_PLACEHOLDER.search(value)) or len(set(value)) < 5


def _is_password(value: str) -> bool:
    """Not one of the words and paths that code has beside the word password."""
    return not _WORDS.fullmatch(value) and not _is_placeholder(value)


def _is_random(value: str) -> bool:
    """16 characters or more, letters and digits mixed, at least ten different ones."""
    return (
        len(value) >= 16
        and len(set(value)) >= 10
        and sum(character.isdigit() for character in value) >= 3
        and any(character.isalpha() for character in value)
        and not _is_placeholder(value)
    )

"""Personal data by its shape: e-mail addresses, public IP addresses, phone numbers, URLs.

What stands for nobody stays: example.com, addresses of private networks and of documentation (RFC 5737), 555-01xx.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from midfill_context.secrets import Span

# --- e-mail ---

_TOP_LEVELS = (
    "com|org|net|edu|gov|mil|int|info|biz|name|pro|io|dev|app|ai|me|tv|cc|co|eu|uk|us|ca|au|nz|de|at|ch|fr|nl|be|lu|es|"
    "pt|it|gr|pl|cz|sk|hu|ro|bg|ru|ua|by|rs|si|hr|se|no|dk|fi|is|ee|lv|lt|ie|in|pk|cn|jp|kr|tw|hk|sg|my|th|id|vn|ph|tr|"
    "il|ir|sa|ae|eg|za|ng|ke|br|ar|cl|mx|pe|ve|uy|cloud|online|site|tech|xyz|email|mail|software|systems|technology"
)
# From `@` back and forth: a search for the local part first would start at every word of the file.
_LOCAL = re.compile(r"[\w.+-]{1,64}\Z")
_DOMAIN = re.compile(rf"@((?:[A-Za-z0-9-]{{1,63}}\.){{1,5}}(?:{_TOP_LEVELS}))(?![\w([-]|\.\w)", re.I)
_NOBODY = re.compile(
    r"(?:^|[@.])(?:example\.(?:com|org|net|edu)|test\.com|domain\.com|users\.noreply\.github\.com)$", re.I
)
_NO_LOCAL = frozenset(
    {"git", "hg", "svn", "noreply", "no-reply", "this", "self", "return", "super", "break", "continue"}
)


def emails(text: str) -> Iterator[Span]:
    """Addresses at domains that somebody can own; neither `git@host:path` nor a matrix product."""
    at = text.find("@")
    while at >= 0:
        local, domain = _LOCAL.search(text, max(0, at - 64), at), _DOMAIN.match(text, at)
        if local and domain and _is_somebody(local[0].lstrip(".-+"), domain[1]):
            yield Span(at - len(local[0].lstrip(".-+")), domain.end(), "EMAIL")
        at = text.find("@", at + 1)


def _is_somebody(local: str, domain: str) -> bool:
    return bool(local) and local.lower() not in _NO_LOCAL and not _NOBODY.search(f"@{domain}")


# --- IP addresses ---

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?<![\w.])(?<!\w[-/]){_OCTET}(?:\.{_OCTET}){{3}}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34}(?![\w:])")  # 2000::/3 is all that is public
_VERSION_BEFORE = re.compile(r"(?:version|release|section|\bver|\brev|[=<>~^]=|oid)\W{0,3}$", re.I)
_PUBLIC_SERVICES = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"})  # resolvers, known to everybody
# Versions and object identifiers have four small numbers; of all addresses one in 4096 has.
_SMALL = 32


def ip_addresses(text: str) -> Iterator[Span]:
    """Public addresses of hosts; neither versions nor networks (they end in 0)."""
    for match in _IPV4.finditer(text) if "." in text else ():
        if _is_host(match[0]) and not _VERSION_BEFORE.search(text, max(0, match.start() - 16), match.start()):
            yield Span(*match.span(), "IP")
    for match in _IPV6.finditer(text) if ":" in text else ():
        if _is_public(match[0]):
            yield Span(*match.span(), "IP")


def _is_host(address: str) -> bool:
    octets = [int(octet) for octet in address.split(".")]
    return (
        max(octets) >= _SMALL and octets[3] not in (0, 255) and address not in _PUBLIC_SERVICES and _is_public(address)
    )


def _is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.is_global and not parsed.is_multicast


# --- phone numbers ---

_PHONES = (
    # International, with at least one separator: `+44 20 7946 0000` is one, `x +1234567890` a sum.
    re.compile(r"\+[1-9]\d{0,2}(?:[ .-]\(?\d{1,4}\)?){2,5}(?![\w.]*\d)"),
    # North American, in its two usual forms.
    re.compile(r"\([2-9]\d{2}\) ?[2-9]\d{2}[ -]\d{4}(?!\d)"),
    re.compile(r"[2-9]\d{2}([.-])[2-9]\d{2}\1\d{4}(?![\w.-]*\d)"),
)
_NO_PHONE_AFTER = re.compile(r"[\w.\-/)\]+]")
_FICTIONAL = re.compile(r"555\D?01\d\d$|^\+?1?\D*555")


def phone_numbers(text: str) -> Iterator[Span]:
    """Numbers as people write them, 10 to 15 digits; bare runs of digits are no phone numbers."""
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            before = text[match.start() - 1 : match.start()]
            n_digits = sum(character.isdigit() for character in match[0])
            if not _NO_PHONE_AFTER.match(before) and 10 <= n_digits <= 15 and not _FICTIONAL.search(match[0]):
                yield Span(*match.span(), "PHONE")


# --- URLs ---

_URL = re.compile(r"https?://[^\s\"'`<>()\[\]{}|\\^]+")


def urls(text: str) -> Iterator[Span]:
    """Web addresses, whatever they point to."""
    for match in _URL.finditer(text):
        yield Span(match.start(), match.start() + len(match[0].rstrip(".,;:!?")), "URL")

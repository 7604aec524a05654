"""Amounts of money in whole cents, so that sums are exact."""

from __future__ import annotations

import re
from dataclasses import dataclass

_AMOUNT = re.compile(r"(-?)(\d+)(?:\.(\d{2}))?")


@dataclass(frozen=True, order=True)
class Money:
    """An amount in one currency; the warehouse has only one."""

    cents: int

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read `12`, `12.50` or `-0.05`."""
        match = _AMOUNT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"not an amount of money: {text!r}")
        sign, whole, fraction = match.groups()
        cents = int(whole) * 100 + int(fraction or "0")
        return cls(-cents if sign else cents)

    def __add__(self, other: Money) -> Money:
        return Money(self.cents + other.cents)

    def __sub__(self, other: Money) -> Money:
        return Money(self.cents - other.cents)

    def __mul__(self, factor: int) -> Money:
        return Money(self.cents * factor)

    def __neg__(self) -> Money:
        return Money(-self.cents)

    def __bool__(self) -> bool:
        return self.cents != 0

    def percent(self, percent: int) -> Money:
        """So many percent of the amount, half a cent rounded away from zero."""
        product = abs(self.cents) * percent
        rounded = (product + 50) // 100
        return Money(rounded if self.cents >= 0 else -rounded)

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        whole, fraction = divmod(abs(self.cents), 100)
        return f"{sign}{whole}.{fraction:02d}"


ZERO = Money(0)


def total(amounts: list[Money]) -> Money:
    """The sum of the amounts; nothing adds up to zero."""
    return sum(amounts, start=ZERO)

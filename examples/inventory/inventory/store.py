"""The stock, and the journal that it is replayed from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from inventory.models import Category, Movement, Product, StockLine


class StockError(Exception):
    """A movement that cannot have happened; the message says why."""


class Store:
    """Products and how many units of each are there."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self._products = {product.sku: product for product in products}
        self._units = dict.fromkeys(self._products, 0)
        self._journal: list[Movement] = []

    def product(self, sku: str) -> Product:
        try:
            return self._products[sku]
        except KeyError:
            raise StockError(f"no product {sku}") from None

    def units(self, sku: str) -> int:
        return self._units[self.product(sku).sku]

    def apply(self, movement: Movement) -> StockLine:
        """Take one movement into account and return what is there now."""
        product = self.product(movement.sku)
        units = self._units[product.sku] + movement.units
        if units < 0:
            there = self._units[product.sku]
            raise StockError(f"{-movement.units} of {product.sku} cannot go: only {there} there")
        self._units[product.sku] = units
        self._journal.append(movement)
        return StockLine(product, units)

    def receive(self, sku: str, units: int, reason: str = "delivery") -> StockLine:
        return self.apply(Movement(sku, units, _now(), reason))

    def ship(self, sku: str, units: int, reason: str = "order") -> StockLine:
        return self.apply(Movement(sku, -units, _now(), reason))

    def write_off(self, sku: str, units: int, reason: str = "damaged") -> StockLine:
        return self.apply(Movement(sku, -units, _now(), reason))

    def lines(self) -> Iterator[StockLine]:
        """All products in the order of their SKUs, also those of which nothing is left."""
        for sku in sorted(self._products):
            yield StockLine(self._products[sku], self._units[sku])

    def lines_of(self, category: Category) -> list[StockLine]:
        return [line for line in self.lines() if line.product.category is category]

    def low(self) -> list[StockLine]:
        return [line for line in self.lines() if line.is_low]

    def journal(self, sku: str | None = None) -> list[Movement]:
        """The movements so far, of one product or of all."""
        return [movement for movement in self._journal if sku in (None, movement.sku)]

    def save(self, path: Path) -> None:
        """Write the journal, one movement a line."""
        text = "".join(json.dumps(movement.to_json()) + "\n" for movement in self._journal)
        path.write_text(text, encoding="utf-8")


def load(products_path: Path, journal_path: Path) -> Store:
    """Read the products and replay the journal."""
    products = json.loads(products_path.read_text(encoding="utf-8"))
    store = Store(Product.from_json(data) for data in products)
    for line in journal_path.read_text(encoding="utf-8").splitlines():
        store.apply(Movement.from_json(json.loads(line)))
    return store


def _now() -> datetime:
    return datetime.now(timezone.utc)

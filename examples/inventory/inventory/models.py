"""The things in a warehouse, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from inventory.money import Money


class Category(str, Enum):
    """What kind of goods a product is; it decides the tax rate."""

    BOOKS = "books"
    FOOD = "food"
    TOOLS = "tools"
    TOYS = "toys"


@dataclass(frozen=True)
class Product:
    """Something that the warehouse can hold.

    When no more than `reorder_at` units are left, `reorder_units` are to be ordered.
    """

    sku: str
    name: str
    category: Category
    price: Money
    weight_grams: int
    supplier: str
    reorder_at: int = 0
    reorder_units: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "sku": self.sku,
            "name": self.name,
            "category": self.category.value,
            "price": str(self.price),
            "weight_grams": self.weight_grams,
            "supplier": self.supplier,
            "reorder_at": self.reorder_at,
            "reorder_units": self.reorder_units,
        }

    def to_label(self) -> dict[str, Any]:
        """What the label on the shelf shows."""
        return {
            "sku": self.sku,
            "name": self.name,
            "price": str(self.price),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Product:
        return cls(
            sku=data["sku"],
            name=data["name"],
            category=Category(data["category"]),
            price=Money.parse(data["price"]),
            weight_grams=data["weight_grams"],
            supplier=data["supplier"],
            reorder_at=data.get("reorder_at", 0),
            reorder_units=data.get("reorder_units", 0),
        )


@dataclass(frozen=True)
class Movement:
    """Units of a product that came (positive) or went (negative)."""

    sku: str
    units: int
    at: datetime
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {
            "sku": self.sku,
            "units": self.units,
            "at": self.at.isoformat(),
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Movement:
        return cls(data["sku"], data["units"], datetime.fromisoformat(data["at"]), data["reason"])


@dataclass(frozen=True)
class StockLine:
    """A product with the units of it that are there."""

    product: Product
    units: int

    @property
    def value(self) -> Money:
        return self.product.price * self.units

    @property
    def weight_grams(self) -> int:
        return self.product.weight_grams * self.units

    @property
    def is_low(self) -> bool:
        return self.units <= self.product.reorder_at

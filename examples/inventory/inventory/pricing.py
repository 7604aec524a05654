"""What an order costs: quantity discounts, tax, shipping."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.models import Category, Product
from inventory.money import ZERO, Money, total

TAX_PERCENT = {
    Category.BOOKS: 7,
    Category.FOOD: 7,
    Category.TOOLS: 19,
    Category.TOYS: 19,
}

# From so many units on, so many percent off; the last step that fits counts.
DISCOUNT_STEPS = ((10, 3), (50, 5), (100, 8))

FREE_SHIPPING_FROM = Money(50_00)
SHIPPING_PER_KILOGRAM = Money(1_20)


@dataclass(frozen=True)
class OrderLine:
    product: Product
    units: int

    @property
    def list_price(self) -> Money:
        return self.product.price * self.units

    @property
    def discount(self) -> Money:
        return self.list_price.percent(discount_percent(self.units))

    @property
    def net(self) -> Money:
        return self.list_price - self.discount

    @property
    def tax(self) -> Money:
        return self.net.percent(TAX_PERCENT[self.product.category])


@dataclass(frozen=True)
class Quote:
    """The sums of an order."""

    net: Money
    discount: Money
    tax: Money
    shipping: Money

    @property
    def gross(self) -> Money:
        return self.net + self.tax + self.shipping


def discount_percent(units: int) -> int:
    percent = 0
    for from_units, step_percent in DISCOUNT_STEPS:
        if units >= from_units:
            percent = step_percent
    return percent


def shipping(lines: list[OrderLine]) -> Money:
    """Free for big orders, otherwise by the kilogram, a started one counting whole."""
    if not lines or total([line.net for line in lines]) >= FREE_SHIPPING_FROM:
        return ZERO
    grams = sum(line.product.weight_grams * line.units for line in lines)
    return SHIPPING_PER_KILOGRAM * -(-grams // 1000)


def quote(lines: list[OrderLine]) -> Quote:
    return Quote(
        net=total([line.net for line in lines]),
        discount=total([line.discount for line in lines]),
        tax=total([line.tax for line in lines]),
        shipping=shipping(lines),
    )

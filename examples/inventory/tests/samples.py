"""Products and a stock that the tests share."""

from __future__ import annotations

from inventory import Category, Money, Product, Store

GUIDE = Product("BK-1", "Field guide", Category.BOOKS, Money(24_90), 640, "Northern Books", 5, 20)
HAMMER = Product("TL-1", "Claw hammer", Category.TOOLS, Money(21_00), 720, "Ironworks", 10, 30)
TAPE = Product("TL-2", "Tape measure", Category.TOOLS, Money(7_95), 180, "Ironworks", 15, 60)


def filled_store() -> Store:
    store = Store([GUIDE, HAMMER, TAPE])
    store.receive("BK-1", 24)
    store.receive("TL-1", 30)
    store.ship("TL-1", 20)
    return store

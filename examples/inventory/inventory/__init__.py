"""Stock of a small warehouse: what there is, what it is worth, and what to order next.

Everything that happens is a movement. Movements are kept in a journal, one JSON object a line, and
the stock is what you get by replaying it.
"""

from inventory.models import Category, Movement, Product, StockLine
from inventory.money import Money
from inventory.store import StockError, Store

__all__ = ["Category", "Money", "Movement", "Product", "StockError", "StockLine", "Store"]

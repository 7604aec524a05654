import tempfile
import unittest
from pathlib import Path

from inventory import Category, Product, StockError
from inventory.store import load
from tests.samples import GUIDE, HAMMER, TAPE, filled_store


class StoreTest(unittest.TestCase):
    def setUp(self) -> None:
        self.store = filled_store()

    def test_units_are_what_came_less_what_went(self) -> None:
        self.assertEqual(self.store.units("BK-1"), 24)
        self.assertEqual(self.store.units("TL-1"), 10)
        self.assertEqual(self.store.units("TL-2"), 0)

    def test_cannot_ship_more_than_there_is(self) -> None:
        with self.assertRaisesRegex(StockError, "11 of TL-1 cannot go: only 10 there"):
            self.store.ship("TL-1", 11)
        self.assertEqual(self.store.units("TL-1"), 10)

    def test_unknown_product(self) -> None:
        with self.assertRaisesRegex(StockError, "no product XX-9"):
            self.store.receive("XX-9", 1)

    def test_lines_of_category(self) -> None:
        lines = self.store.lines_of(Category.TOOLS)
        self.assertEqual([line.product for line in lines], [HAMMER, TAPE])

    def test_low_is_at_or_under_the_reorder_level(self) -> None:
        self.assertEqual([line.product for line in self.store.low()], [HAMMER, TAPE])

    def test_journal(self) -> None:
        self.store.write_off("BK-1", 1)
        self.assertEqual([m.units for m in self.store.journal("BK-1")], [24, -1])
        self.assertEqual(len(self.store.journal()), 4)

    def test_product_survives_json(self) -> None:
        self.assertEqual(Product.from_json(GUIDE.to_json()), GUIDE)

    def test_saved_journal_gives_the_same_stock(self) -> None:
        data = Path(__file__).parent.parent / "data"
        store = load(data / "products.json", data / "journal.jsonl")
        self.assertEqual(store.units("FD-2001"), 36)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "journal.jsonl"
            store.save(path)
            self.assertEqual(list(load(data / "products.json", path).lines()), list(store.lines()))


if __name__ == "__main__":
    unittest.main()

import unittest
from http import HTTPStatus

from inventory.api import answer
from tests.samples import filled_store


class ApiTest(unittest.TestCase):
    def setUp(self) -> None:
        self.store = filled_store()

    def test_products(self) -> None:
        status, products = answer(self.store, "GET", "/products")
        self.assertEqual(status, HTTPStatus.OK)
        self.assertEqual([product["sku"] for product in products], ["BK-1", "TL-1", "TL-2"])

    def test_low_stock(self) -> None:
        status, lines = answer(self.store, "GET", "/low")
        self.assertEqual(status, HTTPStatus.OK)
        self.assertEqual([line["units"] for line in lines], [10, 0])

    def test_delivery(self) -> None:
        status, line = answer(self.store, "POST", "/deliveries", {"sku": "TL-2", "units": 60})
        self.assertEqual(status, HTTPStatus.OK)
        self.assertEqual(line["value"], "477.00")

    def test_order(self) -> None:
        status, quote = answer(self.store, "POST", "/orders", [{"sku": "BK-1", "units": 4}])
        self.assertEqual(status, HTTPStatus.OK)
        self.assertEqual(quote["gross"], "106.57")
        self.assertEqual(self.store.units("BK-1"), 20)

    def test_order_ships_all_or_nothing(self) -> None:
        order = [{"sku": "BK-1", "units": 4}, {"sku": "TL-2", "units": 1}]
        status, _ = answer(self.store, "POST", "/orders", order)
        self.assertEqual(status, HTTPStatus.CONFLICT)
        self.assertEqual(self.store.units("BK-1"), 24)

    def test_errors(self) -> None:
        status, _ = answer(self.store, "GET", "/nothing")
        self.assertEqual(status, HTTPStatus.NOT_FOUND)
        for body in (None, {}, {"sku": "TL-2"}):
            status, _ = answer(self.store, "POST", "/deliveries", body)
            self.assertEqual(status, HTTPStatus.BAD_REQUEST)


if __name__ == "__main__":
    unittest.main()

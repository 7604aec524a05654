import unittest

from inventory import Money
from inventory.pricing import OrderLine, discount_percent, quote, shipping
from tests.samples import GUIDE, HAMMER, TAPE


class PricingTest(unittest.TestCase):
    def test_discount_steps(self) -> None:
        percents = {1: 0, 9: 0, 10: 3, 49: 3, 50: 5, 100: 8, 1000: 8}
        for units, percent in percents.items():
            self.assertEqual(discount_percent(units), percent)

    def test_order_line(self) -> None:
        line = OrderLine(TAPE, 10)
        self.assertEqual(line.list_price, Money(79_50))
        self.assertEqual(line.discount, Money(2_39))
        self.assertEqual(line.net, Money(77_11))
        self.assertEqual(line.tax, Money(14_65))

    def test_shipping_counts_started_kilograms(self) -> None:
        self.assertEqual(shipping([OrderLine(HAMMER, 2)]), Money(2_40))
        self.assertEqual(shipping([OrderLine(TAPE, 1)]), Money(1_20))
        self.assertEqual(shipping([]), Money(0))

    def test_shipping_is_free_for_big_orders(self) -> None:
        self.assertEqual(shipping([OrderLine(GUIDE, 3)]), Money(0))

    def test_quote(self) -> None:
        order = quote([OrderLine(GUIDE, 1), OrderLine(TAPE, 2)])
        self.assertEqual(order.net, Money(40_80))
        self.assertEqual(order.discount, Money(0))
        self.assertEqual(order.tax, Money(4_76))
        self.assertEqual(order.shipping, Money(1_20))
        self.assertEqual(order.gross, Money(46_76))


if __name__ == "__main__":
    unittest.main()

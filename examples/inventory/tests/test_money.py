import unittest

from inventory.money import Money, total


class MoneyTest(unittest.TestCase):
    def test_parses_what_it_prints(self) -> None:
        for text in ("0.00", "0.05", "12.50", "-0.05", "-12.00"):
            self.assertEqual(str(Money.parse(text)), text)

    def test_parses_whole_amounts(self) -> None:
        self.assertEqual(Money.parse(" 12 "), Money(1200))

    def test_refuses_other_text(self) -> None:
        for text in ("", "1.5", "1,50", "EUR 1", "--1"):
            with self.subTest(text), self.assertRaises(ValueError):
                Money.parse(text)

    def test_arithmetic(self) -> None:
        self.assertEqual(Money(150) + Money(50), Money(200))
        self.assertEqual(Money(150) - Money(200), Money(-50))
        self.assertEqual(Money(150) * 3, Money(450))
        self.assertEqual(-Money(150), Money(-150))
        self.assertEqual(total([Money(1), Money(2), Money(3)]), Money(6))

    def test_percent_rounds_half_a_cent_away_from_zero(self) -> None:
        self.assertEqual(Money(50).percent(19), Money(10))
        self.assertEqual(Money(-50).percent(19), Money(-10))
        self.assertEqual(Money(49).percent(19), Money(9))

    def test_order(self) -> None:
        self.assertLess(Money(99), Money(100))
        self.assertEqual(max(Money(5), Money(7), Money(6)), Money(7))


if __name__ == "__main__":
    unittest.main()

import json
import unittest

from inventory import Category, Money
from inventory.report import (
    RENDERERS,
    render_csv,
    render_json,
    render_markdown,
    render_text,
    summarize,
    summarize_by_category,
)
from tests.samples import filled_store


class ReportTest(unittest.TestCase):
    def setUp(self) -> None:
        self.store = filled_store()
        self.lines = list(self.store.lines())

    def test_summary(self) -> None:
        summary = summarize(self.lines)
        self.assertEqual(summary.n_products, 3)
        self.assertEqual(summary.n_units, 34)
        self.assertEqual(summary.n_low, 2)
        self.assertEqual(summary.value, Money(807_60))

    def test_categories_without_products_are_left_out(self) -> None:
        self.assertEqual(list(summarize_by_category(self.store)), [Category.BOOKS, Category.TOOLS])

    def test_text(self) -> None:
        self.assertEqual(
            render_text(self.lines),
            "SKU   Name          Units   Value\n"
            "BK-1  Field guide      24  597.60\n"
            "TL-1  Claw hammer      10  210.00\n"
            "TL-2  Tape measure      0    0.00\n",
        )

    def test_csv(self) -> None:
        self.assertEqual(
            render_csv(self.lines[:1]), "SKU,Name,Units,Value\nBK-1,Field guide,24,597.60\n"
        )

    def test_markdown(self) -> None:
        head, rule, *rows = render_markdown(self.lines).splitlines()
        self.assertEqual(head, "| SKU | Name | Units | Value |")
        self.assertEqual(rule, "| --- | --- | --: | --: |")
        self.assertEqual(rows[0], "| BK-1 | Field guide | 24 | 597.60 |")

    def test_json(self) -> None:
        row = json.loads(render_json(self.lines))[1]
        self.assertEqual(row["Name"], "Claw hammer")
        self.assertEqual(row["Units"], "10")

    def test_every_renderer_takes_an_empty_stock(self) -> None:
        for name, render in RENDERERS.items():
            with self.subTest(name):
                self.assertTrue(render([]).endswith("\n"))


if __name__ == "__main__":
    unittest.main()

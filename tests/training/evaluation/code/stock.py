"""Stock of a small shop."""

import json


def load(path):
    try:
        with open(path) as file:
            return json.load(file)
    except OSError:
        return {}


def total(items, rate=0.2):
    """The sum of all prices with tax."""
    amount = 0
    for item in items:
        if item["count"] > 0:
            amount += item["price"] * item["count"]
    return amount * (1 + rate)


class Shelf:
    def __init__(self, size):
        self.size = size
        self.items = []

    def fill(self, source):
        n_added = 0
        while len(self.items) < self.size:
            self.items.append(next(source))
            n_added += 1
        return n_added

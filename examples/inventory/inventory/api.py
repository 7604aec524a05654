"""The stock over HTTP, as JSON, for the web client: run `python -m inventory serve`."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from inventory.models import StockLine
from inventory.pricing import OrderLine, Quote, quote
from inventory.store import StockError, Store


def list_products(store: Store, body: Any) -> Any:
    return [line.product.to_json() for line in store.lines()]


def list_stock(store: Store, body: Any) -> Any:
    return [_stock_line(line) for line in store.lines()]


def list_low(store: Store, body: Any) -> Any:
    return [_stock_line(line) for line in store.low()]


def list_movements(store: Store, body: Any) -> Any:
    return [movement.to_json() for movement in store.journal()]


def post_delivery(store: Store, body: Any) -> Any:
    return _stock_line(store.receive(body["sku"], body["units"]))


def post_order(store: Store, body: Any) -> Any:
    """Ship the goods of an order and answer with what it costs; all of it or nothing."""
    lines = [OrderLine(store.product(item["sku"]), item["units"]) for item in body]
    for line in lines:
        if line.units > store.units(line.product.sku):
            raise StockError(f"not enough of {line.product.sku}")
    for line in lines:
        store.ship(line.product.sku, line.units)
    return _quote(quote(lines))


Handler = Callable[[Store, Any], Any]

ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "/products"): list_products,
    ("GET", "/stock"): list_stock,
    ("GET", "/low"): list_low,
    ("GET", "/movements"): list_movements,
    ("POST", "/deliveries"): post_delivery,
    ("POST", "/orders"): post_order,
}


def answer(store: Store, method: str, path: str, body: Any = None) -> tuple[HTTPStatus, Any]:
    """The status and the JSON value for one request."""
    handler = ROUTES.get((method, path))
    if handler is None:
        return HTTPStatus.NOT_FOUND, {"error": f"no {method} {path}"}
    try:
        return HTTPStatus.OK, handler(store, body)
    except StockError as error:
        return HTTPStatus.CONFLICT, {"error": str(error)}
    except (KeyError, TypeError) as error:
        return HTTPStatus.BAD_REQUEST, {"error": f"bad request: {error}"}


def serve(store: Store, port: int) -> None:
    """Answer requests from this machine until interrupted."""

    class RequestHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(*answer(store, "GET", self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, value = answer(store, "POST", self.path, json.loads(body))
            except json.JSONDecodeError:
                status, value = HTTPStatus.BAD_REQUEST, {"error": "not JSON"}
            self._reply(status, value)

        def _reply(self, status: HTTPStatus, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    HTTPServer(("127.0.0.1", port), RequestHandler).serve_forever()


def _stock_line(line: StockLine) -> dict[str, Any]:
    return {
        "product": line.product.to_json(),
        "units": line.units,
        "value": str(line.value),
        "is_low": line.is_low,
    }


def _quote(order_quote: Quote) -> dict[str, str]:
    return {
        "net": str(order_quote.net),
        "discount": str(order_quote.discount),
        "tax": str(order_quote.tax),
        "shipping": str(order_quote.shipping),
        "gross": str(order_quote.gross),
    }

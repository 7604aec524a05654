/** What the server sends and takes; field names are those of inventory/api.py. */

export type Category = "books" | "food" | "tools" | "toys";

/** An amount such as "12.50": a string, because a number would lose cents. */
export type Money = string;

export interface Product {
  sku: string;
  name: string;
  category: Category;
  price: Money;
  weight_grams: number;
  supplier: string;
  reorder_at: number;
  reorder_units: number;
}

export interface StockLine {
  product: Product;
  units: number;
  value: Money;
  is_low: boolean;
}

export interface Movement {
  sku: string;
  units: number;
  at: string;
  reason: string;
}

export interface OrderItem {
  sku: string;
  units: number;
}

export interface Quote {
  net: Money;
  discount: Money;
  tax: Money;
  shipping: Money;
  gross: Money;
}

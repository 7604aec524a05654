import type { Movement, OrderItem, Product, Quote, StockLine } from "./types";

/** The server understood the request and refused it; the message is meant for people. */
export class RefusedError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "RefusedError";
  }
}

/** One warehouse server. Every method rejects with a RefusedError or, when offline, a TypeError. */
export class InventoryClient {
  constructor(private readonly baseUrl: string) {}

  products(): Promise<Product[]> {
    return this.get<Product[]>("/products");
  }

  stock(): Promise<StockLine[]> {
    return this.get<StockLine[]>("/stock");
  }

  low(): Promise<StockLine[]> {
    return this.get<StockLine[]>("/low");
  }

  movements(): Promise<Movement[]> {
    return this.get<Movement[]>("/movements");
  }

  deliver(sku: string, units: number): Promise<StockLine> {
    return this.post<StockLine>("/deliveries", { sku, units });
  }

  order(items: OrderItem[]): Promise<Quote> {
    return this.post<Quote>("/orders", items);
  }

  private get<T>(path: string): Promise<T> {
    return this.request<T>("GET", path);
  }

  private post<T>(path: string, body: unknown): Promise<T> {
    return this.request<T>("POST", path, JSON.stringify(body));
  }

  private async request<T>(method: string, path: string, body?: string): Promise<T> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body,
    });
    const value = await response.json();
    if (!response.ok) {
      throw new RefusedError(response.status, value.error ?? response.statusText);
    }
    return value as T;
  }
}

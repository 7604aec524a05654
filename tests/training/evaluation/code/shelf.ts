import { open } from "./store";

// How many of a kind there are.
export function count(items: Item[], kind: string): number {
  let found = 0;
  for (const item of items) {
    if (item.kind === kind) {
      found += 1;
    }
  }
  return found;
}

class Shelf {
  label(size: number): string | null {
    let text: string | null = "";
    switch (size) {
      case 0:
        text = "empty";
        break;
      default:
        text = "full";
    }
    while (text.length < 8) {
      text += " ";
    }
    try {
      open(text);
    } catch (error) {
      text = null;
    }
    return text;
  }
}

// How soon a server that ended by itself starts again, and when it is enough.

const FIRST_MS = 250;
const MAX_ENDS = 5;
const WITHIN_MS = 3 * 60_000;

export class BackOff {
  private ends: number[] = [];

  /** Milliseconds until the next start; `undefined` when it ended too often within a short time. */
  next(now: number): number | undefined {
    this.ends = [...this.ends.filter((end) => now - end < WITHIN_MS), now];
    return this.ends.length > MAX_ENDS ? undefined : FIRST_MS * 2 ** (this.ends.length - 1);
  }

  /** The user starts it: what was is forgotten. */
  reset(): void {
    this.ends = [];
  }
}

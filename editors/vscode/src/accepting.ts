// Which part of a suggestion the user took by the editor's "accept word" and "accept line".
//
// Stable VS Code tells an extension neither that ghost text was shown nor that a part of it was accepted
// (handleDidShowCompletionItem and handleDidPartiallyAcceptCompletionItem are proposed API, which a published
// extension may not use). So it is seen in the text: more than one character of the suggestion comes in at once,
// at its place. A single character counts as typed. Whole suggestions are told by their command.

export interface Change {
  offset: number;
  nReplaced: number;
  text: string;
}

export interface PartlyAccepted {
  id: string;
  /** UTF-16 units from the beginning of the suggestion. */
  length: number;
}

/** One suggestion that may be on the screen. */
export class Acceptance {
  private nTaken = 0; // typed along or accepted
  private isOver = false;

  constructor(
    private readonly id: string,
    private readonly text: string,
    private readonly offset: number,
  ) {}

  /** What a change of its document says about it. */
  changed(changes: readonly Change[]): PartlyAccepted | undefined {
    const [change] = changes;
    if (this.isOver || !change) return undefined;
    this.isOver = changes.length > 1 || !this.isPart(change);
    if (this.isOver) return undefined;
    this.nTaken += change.text.length;
    // A line break with its indentation comes in at once too when it is typed.
    const isTyped = change.text.length === 1 || change.text.trim() === '';
    return isTyped ? undefined : { id: this.id, length: this.nTaken };
  }

  private isPart({ offset, nReplaced, text }: Change): boolean {
    const isThere = offset === this.offset + this.nTaken && nReplaced === 0;
    const isRest = this.nTaken + text.length === this.text.length;
    return isThere && !isRest && this.text.startsWith(text, this.nTaken);
  }
}

// Statistics and explanations as text to read, in an editor of their own.

import {
  type Disposable,
  EventEmitter,
  type TextDocument,
  type TextDocumentContentProvider,
  Uri,
  ViewColumn,
  window,
  workspace,
} from 'vscode';

import type { Explanation, Figures } from './protocol';

const SCHEME = 'midfill-report';

/** Read-only documents by their title. */
export class Reports implements TextDocumentContentProvider, Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new EventEmitter<Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registration = workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  async show(title: string, text: string): Promise<void> {
    const uri = Uri.from({ scheme: SCHEME, path: title });
    this.texts.set(uri.path, text);
    this.changed.fire(uri);
    await window.showTextDocument(uri, { preview: true, viewColumn: ViewColumn.Active });
  }

  dispose(): void {
    this.registration.dispose();
  }
}

export function statisticsReport(rows: Figures[]): string {
  const table = rows.map((row) => [
    row.week,
    row.language,
    row.model,
    String(row.n_shown),
    row.n_shown ? `${row.n_accepted} (${Math.round((100 * row.n_accepted) / row.n_shown)} %)` : String(row.n_accepted),
    String(row.accepted_characters),
    row.wait_p50_ms === null ? '' : `${row.wait_p50_ms} / ${row.wait_p95_ms} ms`,
  ]);
  const head = ['week', 'language', 'model', 'shown', 'accepted', 'characters', 'wait, half / 95 %'];
  return `${aligned(rows.length ? [head, ...table] : [['Nothing has been counted yet.']])}

Counted on this machine, sent nowhere. The setting midfill.statistics switches it off.
“Shown” stood there for 750 ms or was accepted; “midfill stats” on the command line tells more.
`;
}

export function explanationReport(document: TextDocument, explanation: Explanation): string {
  const { why, is_shown, total_ms, snippets } = explanation;
  const name = workspace.asRelativePath(document.uri);
  const others = snippets.map(({ path, first_line, last_line, why: reason }) => [`  ${path}:${first_line}-${last_line}`, reason]);
  return `The last request in ${name} got ${is_shown ? 'a suggestion' : 'no suggestion'}, after ${Math.round(total_ms)} ms:
${why}.

${others.length ? `The model was also shown:\n${aligned(others)}` : 'Nothing of other files was shown to the model.'}
`;
}

function aligned(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

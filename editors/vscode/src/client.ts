// The language client of one running server: what goes over the wire, and what the editor makes of it.

import {
  type Disposable,
  type InlineCompletionItem,
  type InlineCompletionList,
  type LogOutputChannel,
  type TextDocument,
  workspace,
} from 'vscode';
import {
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
} from 'vscode-languageclient/node';

import { Acceptance } from './accepting';
import { settingsForServer } from './configuration';
import { cancellableProgress } from './progress';
import type { Status } from './protocol';
import type { Server } from './server';

export interface Connection {
  execute<Answer>(command: string, ...args: unknown[]): Promise<Answer>;
  /** Asks the server to end, and lets go of everything that was registered for it. */
  close(): Promise<void>;
  /** Settles when the server can no longer be talked to, and all that was registered for it is gone. */
  closed: Promise<void>;
}

/** Problems are told once, by the session, which knows why the server ended. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** Connects to a server that has just been started. Rejects where it does not answer as a server should. */
export async function connect(
  server: Server,
  log: LogOutputChannel,
  onStatus: (status: Status) => void,
): Promise<Connection> {
  const accepting = new Accepting((id, length) => void execute('midfill.acceptPartial', id, length));
  const client: LanguageClient = new QuietClient('midfill', 'midfill', () => Promise.resolve(server.process), {
    ...OPTIONS,
    outputChannel: log,
    middleware: { ...MIDDLEWARE, ...accepting.middleware, handleWorkDoneProgress: cancellableProgress(() => client) },
  });
  const execute = <Answer>(command: string, ...args: unknown[]) =>
    client.sendRequest(ExecuteCommandRequest.type, { command, arguments: args }) as Promise<Answer>;
  client.onNotification('midfill/status', onStatus);
  try {
    await client.start();
  } catch (error) {
    accepting.dispose();
    throw error;
  }
  const closed = new Promise<void>((resolve) => {
    client.onDidChangeState(() => {
      if (!client.isRunning()) resolve();
    });
  }).then(() => accepting.dispose());
  return { execute, close: () => client.dispose(), closed };
}

const OPTIONS: LanguageClientOptions = {
  documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
  initializationFailedHandler: () => false,
  errorHandler: {
    error: () => ({ action: ErrorAction.Continue, handled: true }),
    closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
  },
  stdioOptions: { stdout: () => undefined, stderr: () => undefined }, // one is the wire, and the session reads the other
};

const MIDDLEWARE: Middleware = {
  workspace: {
    // Without sections the server asks for its settings, and gets those that are its own.
    didChangeConfiguration: (_sections, next) => next(undefined),
    configuration: async (params, token, next) => {
      const answer = await next(params, token);
      return Array.isArray(answer) ? answer.map(settingsForServer) : answer;
    },
  },
};

/** Keeps late suggestions from being shown, and follows what becomes of the others. */
class Accepting {
  private readonly listening: Disposable;
  private newest: { document: TextDocument; acceptance: Acceptance } | undefined;

  constructor(tell: (id: string, length: number) => void) {
    this.listening = workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (document !== this.newest?.document || contentChanges.length === 0) return;
      const part = this.newest.acceptance.changed(
        contentChanges.map(({ rangeOffset, rangeLength, text }) => ({ offset: rangeOffset, nReplaced: rangeLength, text })),
      );
      if (part) tell(part.id, part.length);
    });
  }

  readonly middleware: Middleware = {
    provideInlineCompletionItems: async (document, position, context, token, next) => {
      const { version } = document;
      const answer = await next(document, position, context, token);
      // The editor cancels what it no longer wants, but the answer may have crossed that on its way.
      if (document.version !== version || token.isCancellationRequested) return undefined;
      this.follow(document, answer);
      return answer;
    },
  };

  dispose(): void {
    this.listening.dispose();
  }

  private follow(document: TextDocument, answer: InlineCompletionItem[] | InlineCompletionList | null | undefined) {
    const [item] = (Array.isArray(answer) ? answer : answer?.items) ?? [];
    const id: unknown = item?.command?.arguments?.[0];
    if (item?.range && typeof item.insertText === 'string' && typeof id === 'string') {
      const acceptance = new Acceptance(id, item.insertText, document.offsetAt(item.range.start));
      this.newest = { document, acceptance };
    }
  }
}

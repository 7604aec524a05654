// The server's life: started, watched, started again, given up on.

import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { EventEmitter, type ExtensionContext, type LogOutputChannel, window } from 'vscode';

import { BackOff } from './backoff';
import type { Connection } from './client';
import type { Paused, PauseTarget, Status } from './protocol';
import { type Server, startServer } from './server';
import { Setup } from './setup';

/** What is known of the server: none is set up, it is on its way, it tells its status, or it is gone for a reason. */
export type Condition =
  | { kind: 'missing' }
  | { kind: 'starting' }
  | { kind: 'running'; status: Status }
  | { kind: 'stopped'; reason: string };

interface Ended {
  reason: string;
  wasConnected: boolean;
}

const ENDING_MS = 3_000; // the server gives itself two seconds

export class Session {
  private readonly changed = new EventEmitter<Condition>();
  readonly onDidChange = this.changed.event;
  private readonly setup: Setup;
  private readonly home: string;
  private readonly backOff = new BackOff();
  private server: Server | undefined;
  private connection: Connection | undefined;
  private paused: Paused = { everywhere: false, languages: [], uris: [] };
  private stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private restarting: Promise<void> | undefined;

  constructor(
    context: ExtensionContext,
    private readonly log: LogOutputChannel,
  ) {
    this.home = context.globalStorageUri.fsPath;
    this.setup = new Setup(context, log);
  }

  /** Starts the server if there is one, or offers to set it up. Failures are shown, not thrown. */
  start(): void {
    this.stopping = new AbortController();
    this.running = this.keepRunning(this.stopping.signal).catch((error: unknown) => this.giveUp(String(error)));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    const kill = setTimeout(() => this.server?.process.kill('SIGKILL'), ENDING_MS);
    if (this.connection) await this.connection.close().catch(() => undefined);
    else this.server?.process.kill();
    await this.running;
    clearTimeout(kill);
  }

  /** Several wishes at once are one. */
  restart(): Promise<void> {
    return (this.restarting ??= this.stop().then(() => {
      this.restarting = undefined;
      this.backOff.reset();
      this.start();
    }));
  }

  /** Sets up the server anew, because the user wants it. */
  async setUp(): Promise<void> {
    if (await this.setup.install()) await this.restart();
  }

  /** Runs a command of the server's. Rejects with a sentence for the user. */
  async execute<Answer>(command: string, ...args: unknown[]): Promise<Answer> {
    if (!this.connection) throw new Error('midfill is not running.');
    return this.connection.execute<Answer>(command, ...args);
  }

  private async keepRunning(stopping: AbortSignal): Promise<void> {
    const found = await this.setup.find();
    if (!found) this.changed.fire({ kind: 'missing' });
    if (!found || found.isOutdated) this.offerSetup(found !== undefined);
    while (found && !stopping.aborted) {
      this.changed.fire({ kind: 'starting' });
      const { reason, wasConnected } = await this.serve(found.python);
      if (stopping.aborted) return;
      this.log.error(`the server is gone: ${reason}`);
      const waitMs = wasConnected ? this.backOff.next(Date.now()) : undefined;
      if (waitMs === undefined) return this.giveUp(reason);
      await delay(waitMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }

  /** Runs one server from its start to its end. */
  private async serve(python: string): Promise<Ended> {
    await mkdir(this.home, { recursive: true });
    try {
      this.server = await startServer(python, this.home, (line) => this.log.info(line));
    } catch (error) {
      return { reason: `${python} cannot be started (${(error as Error).message})`, wasConnected: false };
    }
    const { connect } = await import('./client');
    try {
      this.connection = await connect(this.server, this.log, (status) => this.take(status));
    } catch (error) {
      this.log.error(String(error));
      this.server.process.kill();
      return { reason: await this.server.ended, wasConnected: false };
    }
    await this.pauseAgain();
    const reason = await this.server.ended;
    await this.connection.closed;
    this.connection = undefined;
    return { reason, wasConnected: true };
  }

  private take(status: Status): void {
    this.paused = status.paused;
    this.changed.fire({ kind: 'running', status });
  }

  /** Pauses hold until the editor ends, so a new server is told of them. */
  private async pauseAgain(): Promise<void> {
    const { everywhere, languages, uris } = this.paused;
    const targets: PauseTarget[] = [
      ...(everywhere ? [{}] : []),
      ...languages.map((language) => ({ language })),
      ...uris.map((uri) => ({ uri })),
    ];
    for (const target of targets) await this.execute('midfill.pause', target);
  }

  private offerSetup(isUpdate: boolean): void {
    void this.setup.offer(isUpdate).then((isDone) => (isDone ? this.restart() : undefined));
  }

  private giveUp(reason: string): void {
    this.changed.fire({ kind: 'stopped', reason });
    const [again, showLog] = ['Start Again', 'Show Log'] as const;
    void window.showErrorMessage(`midfill is not running: ${reason}.`, again, showLog).then((choice) => {
      if (choice === again) void this.restart();
      if (choice === showLog) this.log.show();
    });
  }
}

// The extension's two ends. What costs time, the language client above all, is loaded when a server is started.

import { commands, type ExtensionContext, window, workspace } from 'vscode';

import { registerCommands } from './commands';
import { OWN_SETTINGS, SECTION } from './configuration';
import { Session } from './session';
import { createStatusBar } from './statusbar';

let session: Session | undefined;

export function activate(context: ExtensionContext): void {
  const began = performance.now();
  const log = window.createOutputChannel('midfill', { log: true });
  const started = (session = new Session(context, log));
  context.subscriptions.push(
    log,
    ...createStatusBar(started.onDidChange),
    ...registerCommands(started, log),
    started.onDidChange(({ kind }) => void commands.executeCommand('setContext', 'midfill.isRunning', kind === 'running')),
    workspace.onDidChangeConfiguration((change) => {
      if (OWN_SETTINGS.some((key) => change.affectsConfiguration(`${SECTION}.${key}`))) void started.restart();
    }),
  );
  started.start();
  log.info(`activated in ${(performance.now() - began).toFixed(1)} ms`);
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}

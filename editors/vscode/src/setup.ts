// Finds the server, or installs it into an environment of the extension's own; never without having asked.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { commands, type ExtensionContext, type LogOutputChannel, ProgressLocation, window } from 'vscode';

import { installSource, pythonPath, SECTION } from './configuration';
import { currentEnvironment, install, pythonOf } from './environment';
import { findPython, SetupProblem } from './python';

export interface Found {
  python: string;
  /** Whether it was installed by another version of the extension, or from something else. */
  isOutdated: boolean;
}

const [SET_UP, UPDATE, CHOOSE, NOT_NOW] = ['Set Up', 'Update', 'Use My Own Python…', 'Not Now'] as const;
const DECLINED = 'declined';
const [TRY_AGAIN, SHOW_LOG] = ['Try Again', 'Show Log'] as const;

export class Setup {
  private readonly home: string;
  private readonly version: string;

  constructor(
    private readonly context: ExtensionContext,
    private readonly log: LogOutputChannel,
  ) {
    this.home = join(context.globalStorageUri.fsPath, 'environments');
    this.version = (context.extension.packageJSON as { version: string }).version;
  }

  /** What `midfill.pythonPath` names, or else the extension's own environment, or nothing. */
  async find(): Promise<Found | undefined> {
    if (pythonPath()) return { python: pythonPath(), isOutdated: false };
    const current = await currentEnvironment(this.home);
    if (!current) return undefined;
    const isOutdated = current.source !== installSource() || current.extensionVersion !== this.version;
    return { python: pythonOf(current), isOutdated };
  }

  /** Asks whether to install, once for each version, and does so. Says whether there is a new server now. */
  async offer(isUpdate: boolean): Promise<boolean> {
    const offered = `${this.version} from ${installSource()}`;
    if (this.context.globalState.get(DECLINED) === offered) return false;
    const question = isUpdate
      ? `midfill has been updated, or midfill.installSource changed. Install its server anew, from “${installSource()}”?`
      : 'midfill completes code on this machine. To set it up, it makes a Python environment of its own (about 300 MB), ' +
        `installs “${installSource()}” into it and gets the default model (98 MB, Apache-2.0).`;
    const choices = isUpdate ? [UPDATE, NOT_NOW] : [SET_UP, CHOOSE, NOT_NOW];
    const choice = await window.showInformationMessage(question, ...choices);
    if (choice === NOT_NOW) await this.context.globalState.update(DECLINED, offered);
    if (choice === CHOOSE) await commands.executeCommand('workbench.action.openSettings', `${SECTION}.pythonPath`);
    return (choice === SET_UP || choice === UPDATE) && this.install();
  }

  /** Installs, with progress; what goes wrong is shown. Says whether there is a new server now. */
  async install(): Promise<boolean> {
    try {
      await window.withProgress(
        { location: ProgressLocation.Notification, title: 'midfill', cancellable: true },
        async (progress, token) => {
          const stopping = new AbortController();
          token.onCancellationRequested(() => stopping.abort());
          await mkdir(this.home, { recursive: true });
          await install({
            home: this.home,
            python: await findPython(this.home),
            source: installSource(),
            extensionVersion: this.version,
            onStep: (message) => progress.report({ message }),
            onLine: (line) => this.log.info(line),
            signal: stopping.signal,
          });
        },
      );
      return true;
    } catch (error) {
      if ((error as Error).name === 'AbortError') return false;
      this.log.error(String(error));
      const message = error instanceof SetupProblem ? error.message : `midfill could not be set up: ${String(error)}`;
      const choice = await window.showErrorMessage(message, TRY_AGAIN, SHOW_LOG);
      if (choice === SHOW_LOG) this.log.show();
      return choice === TRY_AGAIN && this.install();
    }
  }
}

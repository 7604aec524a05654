// What a user can do, from the palette or from the menu in the status bar.

import { commands, type Disposable, type LogOutputChannel, type QuickPickItem, type TextDocument, window } from 'vscode';

import { SECTION } from './configuration';
import { chooseModel, offerActiveModel } from './models';
import { isPaused, type Reach, targetOf, toggleLanguage } from './pausing';
import type { Explanation, Figures, Paused } from './protocol';
import { explanationReport, Reports, statisticsReport } from './reports';
import type { Condition, Session } from './session';

const NOTHING_PAUSED: Paused = { everywhere: false, languages: [], uris: [] };

export function registerCommands(session: Session, log: LogOutputChannel): Disposable[] {
  const reports = new Reports();
  let paused = NOTHING_PAUSED;
  let isModelOffered = false;
  const following = session.onDidChange((condition: Condition) => {
    if (condition.kind !== 'running') return;
    paused = condition.status.paused;
    if (condition.status.state === 'error' && !isModelOffered) {
      isModelOffered = true;
      void reported(() => offerActiveModel(session), log);
    }
  });

  const togglePause = (reach: Reach) => async () => {
    const target = targetOf(reach, activeDocument());
    await session.execute(isPaused(paused, target) ? 'midfill.resume' : 'midfill.pause', target);
  };
  const explain = async () => {
    const document = activeDocument();
    if (!document) return;
    const explanation = await session.execute<Explanation>('midfill.explain', document.uri.toString());
    await reports.show('Explanation', explanationReport(document, explanation));
  };
  const showStatistics = async () =>
    reports.show('Statistics', statisticsReport(await session.execute<Figures[]>('midfill.stats')));
  const openSettings = () => commands.executeCommand('workbench.action.openSettings', `@ext:midfill.${SECTION}`);

  const handlers: Record<string, () => unknown> = {
    'midfill.setUp': () => session.setUp(),
    'midfill.showMenu': () => showMenu(paused, activeDocument()),
    'midfill.togglePauseInFile': togglePause('in this file'),
    'midfill.togglePauseInLanguage': togglePause('in this language'),
    'midfill.togglePause': togglePause('everywhere'),
    'midfill.toggleLanguage': () => toggleLanguage(activeDocument()?.languageId ?? 'plaintext'),
    'midfill.chooseModel': () => chooseModel(session),
    'midfill.restart': () => session.restart(),
    'midfill.showStatistics': showStatistics,
    'midfill.explainSuggestion': explain,
    'midfill.showLog': () => log.show(),
    'midfill.openSettings': openSettings,
  };
  const registrations = Object.entries(handlers).map(([id, handler]) =>
    commands.registerCommand(id, () => reported(handler, log)),
  );
  return [reports, following, ...registrations];
}

async function reported(handler: () => unknown, log: LogOutputChannel): Promise<void> {
  try {
    await handler();
  } catch (error) {
    log.error(String(error));
    void window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

interface Entry extends QuickPickItem {
  id: string;
}

async function showMenu(paused: Paused, document: TextDocument | undefined): Promise<void> {
  const pause = (id: string, reach: Reach, where: string): Entry =>
    isPaused(paused, targetOf(reach, document))
      ? { id, label: `$(debug-continue) Go on ${where}` }
      : { id, label: `$(debug-pause) Pause ${where}`, description: 'until the editor ends' };
  const language = document?.languageId ?? '';
  const entries: Entry[] = [
    ...(document ? [pause('midfill.togglePauseInFile', 'in this file', 'in this file')] : []),
    ...(document ? [pause('midfill.togglePauseInLanguage', 'in this language', `in ${language}`)] : []),
    pause('midfill.togglePause', 'everywhere', 'everywhere'),
    ...(document ? [{ id: 'midfill.toggleLanguage', label: `$(circle-slash) Switch ${language} off or on`, description: 'for good' }] : []),
    { id: 'midfill.chooseModel', label: '$(chip) Choose the model' },
    { id: 'midfill.explainSuggestion', label: '$(question) Why this suggestion, or none?' },
    { id: 'midfill.showStatistics', label: '$(graph) Statistics' },
    { id: 'midfill.restart', label: '$(debug-restart) Restart' },
    { id: 'midfill.openSettings', label: '$(gear) Settings' },
    { id: 'midfill.showLog', label: '$(output) Log' },
  ];
  const entry = await window.showQuickPick(entries, { title: 'midfill' });
  if (entry) await commands.executeCommand(entry.id);
}

function activeDocument(): TextDocument | undefined {
  return window.activeTextEditor?.document;
}

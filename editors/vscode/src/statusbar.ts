// The entry in the status bar: model and state at a glance, the rest when pointed at, the menu on a click.

import {
  type Disposable,
  MarkdownString,
  StatusBarAlignment,
  type StatusBarItem,
  type TextDocument,
  ThemeColor,
  window,
} from 'vscode';

import { configuration } from './configuration';
import { pauseOf } from './pausing';
import type { Status } from './protocol';
import type { Condition } from './session';

interface Face {
  icon: string;
  text: string;
  tooltip: string;
  isError?: boolean;
}

export function createStatusBar(onDidChange: (take: (condition: Condition) => void) => Disposable): Disposable[] {
  const item = window.createStatusBarItem('midfill', StatusBarAlignment.Right, 100);
  item.name = 'midfill';
  let condition: Condition = { kind: 'starting' };
  const draw = () => show(item, condition, window.activeTextEditor?.document);
  draw();
  item.show();
  return [
    item,
    onDidChange((now) => {
      condition = now;
      draw();
    }),
    window.onDidChangeActiveTextEditor(draw),
  ];
}

function show(item: StatusBarItem, condition: Condition, document: TextDocument | undefined): void {
  const { icon, text, tooltip, isError } = faceOf(condition, document);
  item.text = `$(${icon}) ${text}`;
  item.tooltip = new MarkdownString(`**midfill** ${tooltip}`);
  item.accessibilityInformation = { label: `midfill: ${text}, ${tooltip}` };
  item.backgroundColor = isError ? new ThemeColor('statusBarItem.errorBackground') : undefined;
  item.command = condition.kind === 'missing' ? 'midfill.setUp' : 'midfill.showMenu';
}

function faceOf(condition: Condition, document: TextDocument | undefined): Face {
  switch (condition.kind) {
    case 'missing':
      return { icon: 'cloud-download', text: 'Set up midfill', tooltip: 'is not set up yet' };
    case 'starting':
      return { icon: 'loading~spin', text: 'midfill', tooltip: 'is starting' };
    case 'stopped':
      return { icon: 'error', text: 'midfill', tooltip: `is not running: ${condition.reason}`, isError: true };
    case 'running':
      return runningFace(condition.status, document);
  }
}

function runningFace(status: Status, document: TextDocument | undefined): Face {
  const text = status.model || 'midfill';
  const reason = status.reason ? `: ${status.reason}` : '';
  const pause = document && pauseOf(status.paused, document);
  if (status.state === 'error') return { icon: 'error', text, tooltip: `has a problem${reason}`, isError: true };
  if (status.state === 'loading') return { icon: 'loading~spin', text, tooltip: 'loads its model' };
  if (status.state === 'disabled') return { icon: 'circle-slash', text, tooltip: `is switched off${reason}` };
  if (status.paused.everywhere || pause) return { icon: 'debug-pause', text, tooltip: `pauses ${pause ?? 'everywhere'}` };
  if (document && configuration().get<string[]>('disabledLanguages', []).includes(document.languageId)) {
    return { icon: 'circle-slash', text, tooltip: `is switched off for ${document.languageId}` };
  }
  const latency = status.lastLatencyMs === undefined ? '' : `; last suggestion after ${Math.round(status.lastLatencyMs)} ms`;
  return { icon: 'sparkle', text, tooltip: `is ready${latency}` };
}

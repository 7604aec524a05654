// Pausing and going on: in a file, in a language, everywhere. It holds until the editor ends.

import { ConfigurationTarget, type TextDocument } from 'vscode';

import { configuration } from './configuration';
import type { Paused, PauseTarget } from './protocol';

export type Reach = 'in this file' | 'in this language' | 'everywhere';

/** How far the pause reaches that a document is in, or `undefined`. */
export function pauseOf(paused: Paused, document: TextDocument): Reach | undefined {
  if (paused.everywhere) return 'everywhere';
  if (paused.languages.includes(document.languageId)) return 'in this language';
  return paused.uris.includes(document.uri.toString()) ? 'in this file' : undefined;
}

export function targetOf(reach: Reach, document: TextDocument | undefined): PauseTarget {
  if (reach === 'everywhere' || !document) return {};
  return reach === 'in this language' ? { language: document.languageId } : { uri: document.uri.toString() };
}

/** Whether exactly this target pauses. */
export function isPaused(paused: Paused, { language, uri }: PauseTarget): boolean {
  if (language !== undefined) return paused.languages.includes(language);
  return uri !== undefined ? paused.uris.includes(uri) : paused.everywhere;
}

/** Switches a language off for good, or on again, in the user's settings. */
export async function toggleLanguage(language: string): Promise<void> {
  const key = 'disabledLanguages';
  const off = configuration().get<string[]>(key, []);
  const now = off.includes(language) ? off.filter((each) => each !== language) : [...off, language];
  await configuration().update(key, now, ConfigurationTarget.Global);
}

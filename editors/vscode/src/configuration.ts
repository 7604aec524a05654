// What is set, and by whom: a workspace must not name a program, and an address only its user.
//
// VS Code keeps a workspace from setting what package.json gives the scope "machine", but by the exact name alone:
// `"midfill": {"pythonPath": "./evil"}` in a workspace passes. So such settings are read from the user's own here.

import { homedir } from 'node:os';

import { type WorkspaceConfiguration, workspace } from 'vscode';

export const SECTION = 'midfill';

/** The settings of the extension itself; all others are the server's, which checks them and names what is wrong. */
export const OWN_SETTINGS: readonly string[] = ['pythonPath', 'installSource'];

export function configuration(): WorkspaceConfiguration {
  return workspace.getConfiguration(SECTION);
}

/** A Python that the user has installed the server into; '' for one of the extension's own. */
export function pythonPath(): string {
  return withHome(usersOwn('pythonPath') ?? '');
}

/** A package name, or the path of a wheel. */
export function installSource(): string {
  return withHome(usersOwn('installSource') ?? '');
}

/** What the server is told: its own settings, and of them what the workspace may set. */
export function settingsForServer(settings: Record<string, unknown>): Record<string, unknown> {
  const told = Object.entries(settings).filter(([key]) => !OWN_SETTINGS.includes(key));
  const guarded = ['remote', ...(workspace.isTrusted ? [] : ['model', 'lora'])];
  return { ...Object.fromEntries(told), ...Object.fromEntries(guarded.map((key) => [key, usersOwn(key)])) };
}

function usersOwn<Value>(key: string): Value | undefined {
  const found = configuration().inspect<Value>(key);
  return found?.globalValue ?? found?.defaultValue;
}

function withHome(path: string): string {
  return path.trim().replace(/^~(?=[/\\])/, () => homedir());
}

// What the tests share: folders that go away, and programs that stand in for Pythons of every kind.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext } from 'node:test';

import type { Program } from '../src/programs';

export function temporaryFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midfill-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A program of a shell script. */
export function script(folder: string, name: string, body: string): Program {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return { command: path, args: [] };
}

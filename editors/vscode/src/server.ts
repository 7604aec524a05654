// The server as a process: its command line, and why it ended.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import { withoutPythonVariables } from './programs';

const LAST_WORDS_MS = 300;

export interface Server {
  process: ChildProcessWithoutNullStreams;
  /** Settles when the process is gone, with a sentence about it. */
  ended: Promise<string>;
}

/**
 * Starts the server. `-I` and a working directory of the extension keep what lies in the workspace, and what the
 * environment says of Python's search path, out of the process. Rejects where there is no such program.
 */
export function startServer(python: string, cwd: string, onLine: (line: string) => void): Promise<Server> {
  const process_ = spawn(python, ['-I', '-m', 'midfill_lsp'], {
    cwd,
    env: withoutPythonVariables(process.env),
    windowsHide: true,
  });
  let last = '';
  createInterface({ input: process_.stderr }).on('line', (line) => {
    onLine(line);
    if (line.trim()) last = line.trim();
  });
  const ended = new Promise<string>((resolve) => {
    process_.on('exit', (code, signal) => {
      // Its last words may still be on their way. Processes it leaves behind may hold its pipes open for longer.
      void Promise.race([once(process_, 'close'), delay(LAST_WORDS_MS)]).then(() => {
        process_.stdout.destroy();
        resolve(`it ended with ${signal ?? `exit code ${code}`}${last && code ? `: ${last}` : ''}`);
      });
    });
  });
  return new Promise((resolve, reject) => {
    process_.on('spawn', () => resolve({ process: process_, ended }));
    process_.on('error', reject);
  });
}

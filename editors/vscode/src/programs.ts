// Runs programs for the extension: never in the workspace's folder, never with its Python's search path.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const IS_WINDOWS = process.platform === 'win32';

export interface Program {
  command: string;
  args: string[];
}

export interface Ended {
  /** What the program returned; `undefined` when it could not be started or was ended. */
  code: number | undefined;
  /** All it wrote, line by line, to stdout and stderr. */
  lines: string[];
}

export interface Running {
  cwd: string;
  onLine?: (line: string) => void;
  signal?: AbortSignal;
}

/** Runs a program to its end. Does not throw: what could not be started has no exit code, and its lines say why. */
export function run(program: Program, { cwd, onLine, signal }: Running): Promise<Ended> {
  return new Promise((resolve) => {
    const lines: string[] = [];
    const take = (line: string) => {
      lines.push(line);
      onLine?.(line);
    };
    const child = spawn(program.command, program.args, {
      cwd,
      env: withoutPythonVariables(process.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !IS_WINDOWS,
      windowsHide: true,
    });
    signal?.addEventListener('abort', () => end(child));
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take);
    child.on('error', (error) => {
      take(error.message);
      resolve({ code: undefined, lines });
    });
    child.on('close', (code) => resolve({ code: code ?? undefined, lines }));
  });
}

/** Ends a program with all it has started: pip starts compilers. */
function end(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  if (IS_WINDOWS) child.kill();
  else process.kill(-child.pid);
}

/** The environment without PYTHONPATH, PYTHONHOME, PYTHONSTARTUP and their like, which decide what Python runs. */
export function withoutPythonVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^PYTHON/i.test(name)));
}

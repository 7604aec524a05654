// The server's own Python environment, in a folder of the extension: which one is in force, and making a new one.
//
// Each is made in a folder of its own, and `current.json` names the one in force only when it is whole. So an
// interrupted installation leaves nothing behind, and a running server keeps what it runs from.

import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Program, run } from './programs';
import { SetupProblem } from './python';

export interface Environment {
  folder: string;
  /** What the server was installed from. */
  source: string;
  /** The extension that installed it. */
  extensionVersion: string;
}

export interface Installing {
  /** The folder that holds the environments; it exists. */
  home: string;
  python: Program;
  source: string;
  extensionVersion: string;
  onStep: (step: string) => void;
  onLine: (line: string) => void;
  signal: AbortSignal;
}

/** The environment in force, or `undefined`. */
export async function currentEnvironment(home: string): Promise<Environment | undefined> {
  try {
    return JSON.parse(await readFile(join(home, 'current.json'), 'utf8')) as Environment;
  } catch {
    return undefined;
  }
}

export function pythonOf({ folder }: Environment): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}

/** Makes an environment with the server and the default model, and puts it in force. Throws `SetupProblem`. */
export async function install(installing: Installing): Promise<Environment> {
  const { home, source, extensionVersion } = installing;
  const environment = { folder: join(home, `server-${randomUUID()}`), source, extensionVersion };
  try {
    await fill(environment, installing);
  } catch (error) {
    await rm(environment.folder, { recursive: true, force: true });
    throw error;
  }
  const previous = await currentEnvironment(home);
  const draft = join(home, `${randomUUID()}.json`);
  await writeFile(draft, JSON.stringify(environment));
  await rename(draft, join(home, 'current.json'));
  if (previous) await rm(previous.folder, { recursive: true, force: true }).catch(() => undefined);
  return environment;
}

async function fill(environment: Environment, { home, python, source, onStep, onLine, signal }: Installing) {
  const inside = pythonOf(environment);
  const steps: [step: string, program: Program][] = [
    ['making a Python environment', { ...python, args: [...python.args, '-I', '-m', 'venv', environment.folder] }],
    [`installing ${source}; llama.cpp may have to be compiled, which takes minutes`, pip(inside, source)],
    ['getting the default model', { command: inside, args: ['-I', '-c', PULL] }],
  ];
  for (const [step, program] of steps) {
    onStep(step);
    onLine(`$ ${program.command} ${program.args.join(' ')}`);
    const { code, lines } = await run(program, { cwd: home, onLine, signal });
    signal.throwIfAborted();
    if (code !== 0) throw new SetupProblem(explained(step, lines));
  }
}

function pip(python: string, source: string): Program {
  return { command: python, args: ['-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', source] };
}

const PULL = 'import sys; from midfill_lsp.cli import main; sys.exit(main(["model", "pull"]))';

const KNOWN: [sign: RegExp, advice: string][] = [
  [/ensurepip is not|No module named '?(venv|ensurepip)/i, 'Debian and Ubuntu: sudo apt install python3-venv.'],
  [
    /CMAKE_C(XX)?_COMPILER|no CMAKE_|C\+\+ compiler|Failed (to build|building wheel).*llama/i,
    'llama.cpp could not be compiled. It needs a C++ compiler: sudo apt install build-essential on Debian and Ubuntu, ' +
      'xcode-select --install on macOS, the C++ build tools of Visual Studio on Windows.',
  ],
  [/No space left|ENOSPC/i, 'There is no space left on the disk.'],
  [
    /Temporary failure in name resolution|Failed to establish a new connection|Connection (refused|reset)|timed out/i,
    'The package index cannot be reached. Check the network; pip’s own settings for a proxy or a mirror are honoured.',
  ],
  [
    /No matching distribution found|Could not find a version|does not exist|looks like a filename/i,
    'pip finds no such package: see the setting midfill.installSource.',
  ],
];

/** What went wrong, in a sentence or two: what the tool said last, and what helps where that is known. */
function explained(step: string, lines: string[]): string {
  const all = lines.join('\n');
  const advice = KNOWN.find(([sign]) => sign.test(all))?.[1];
  const said = lines.filter((line) => /error/i.test(line)).at(-1) ?? lines.at(-1) ?? 'it said nothing';
  return `midfill could not be set up (${step.split(';')[0]}): ${advice ?? said.trim()}`;
}

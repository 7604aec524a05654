// Finds a Python that can hold the server: new enough, and able to make virtual environments.

import { type Program, run } from './programs';

export const OLDEST = [3, 10] as const;

const PROBE = [
  'import sys, importlib.util as u',
  'print(sys.version_info[0], sys.version_info[1], all(map(u.find_spec, ("venv", "ensurepip"))))',
].join('\n');

const VERSIONED = [14, 13, 12, 11, 10].map((minor) => `python3.${minor}`);
const CANDIDATES: Program[] =
  process.platform === 'win32'
    ? [
        { command: 'py', args: ['-3'] },
        { command: 'python', args: [] },
      ]
    : ['python3', ...VERSIONED, 'python'].map((command) => ({ command, args: [] }));

/** A problem that the user can do something about; the message says what. */
export class SetupProblem extends Error {}

/** The first Python on the PATH that will do. Throws `SetupProblem`. */
export async function findPython(cwd: string, candidates: Program[] = CANDIDATES): Promise<Program> {
  const problems: string[] = [];
  for (const candidate of candidates) {
    const problem = await problemOf(candidate, cwd);
    if (problem === undefined) return candidate;
    if (problem) problems.push(problem);
  }
  throw new SetupProblem(problems[0] ?? `midfill needs Python ${OLDEST.join('.')} or newer, and found none. ${ADVICE}`);
}

const ADVICE =
  process.platform === 'linux'
    ? 'Install it (Debian and Ubuntu: sudo apt install python3 python3-venv) and try again.'
    : 'Install it from python.org and try again.';

/** What is wrong with a candidate: '' where there is no such program, `undefined` where nothing is. */
async function problemOf({ command, args }: Program, cwd: string): Promise<string | undefined> {
  const { code, lines } = await run({ command, args: [...args, '-I', '-c', PROBE] }, { cwd });
  const found = /^(\d+) (\d+) (True|False)$/.exec(lines.at(-1) ?? '');
  if (code !== 0 || !found) return '';
  const [major, minor] = [Number(found[1]), Number(found[2])];
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return `midfill needs Python ${OLDEST.join('.')} or newer, and ${command} is ${major}.${minor}. ${ADVICE}`;
  }
  if (found[3] === 'False') {
    return `${command} cannot make virtual environments. Debian and Ubuntu: sudo apt install python3-venv.`;
  }
  return undefined;
}

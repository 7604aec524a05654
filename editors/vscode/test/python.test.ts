import assert from 'node:assert/strict';
import { test } from 'node:test';

import { run } from '../src/programs';
import { findPython, SetupProblem } from '../src/python';
import { script, temporaryFolder } from './fixtures';

const MISSING = { command: 'midfill-no-such-program', args: [] };

const refused: [name: string, answers: (string | undefined)[], problem: RegExp][] = [
  ['no Python at all', [undefined], /found none/],
  ['one that is too old', ['echo 3 8 True', undefined], /newer, and .*python0 is 3\.8/],
  ['one of the last century', ['echo 2 7 True'], /is 2\.7/],
  ['one without venv', ['echo 3 11 False'], /apt install python3-venv/],
  ['one that fails', ['exit 1'], /found none/],
  ['one that talks nonsense', ['echo hello'], /found none/],
];

for (const [name, answers, problem] of refused) {
  test(`refuses ${name}`, async (t) => {
    const folder = temporaryFolder(t);
    const candidates = answers.map((body, i) => (body ? script(folder, `python${i}`, body) : MISSING));
    await assert.rejects(findPython(folder, candidates), (error) => error instanceof SetupProblem && problem.test(error.message));
  });
}

test('takes the first that will do', async (t) => {
  const folder = temporaryFolder(t);
  const candidates = ['echo 3 9 True', 'echo 3 12 False', 'echo 3 10 True', 'echo 3 13 True'].map((body, i) =>
    script(folder, `python${i}`, body),
  );
  assert.equal(await findPython(folder, [MISSING, ...candidates]), candidates[2]);
});

test('runs programs outside of the search path of Python', async (t) => {
  const folder = temporaryFolder(t);
  process.env['PYTHONPATH'] = '.';
  t.after(() => delete process.env['PYTHONPATH']);
  const { code, lines } = await run(script(folder, 'show', 'echo "$PYTHONPATH"; pwd; echo done >&2; exit 3'), { cwd: folder });
  assert.equal(code, 3);
  assert.deepEqual(lines.sort(), ['', folder, 'done'].sort());
});

test('a program that is not there has no exit code', async (t) => {
  const { code, lines } = await run(MISSING, { cwd: temporaryFolder(t) });
  assert.equal(code, undefined);
  assert.match(lines.join(), /ENOENT/);
});

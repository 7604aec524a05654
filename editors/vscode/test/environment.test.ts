import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';

import { currentEnvironment, install, type Installing, pythonOf } from '../src/environment';
import { SetupProblem } from '../src/python';
import { script, temporaryFolder } from './fixtures';

/** An installation by a Python that makes environments whose own Python runs `inside`. */
function installing(t: TestContext, inside: string, make = 'exit 0'): Installing {
  const folder = temporaryFolder(t);
  const body = `for last; do :; done; mkdir -p "$last/bin"; cat > "$last/bin/python" <<'END'\n#!/bin/sh\n${inside}\nEND\nchmod +x "$last/bin/python"; ${make}`;
  return {
    home: temporaryFolder(t),
    python: script(folder, 'python3', body),
    source: 'midfill',
    extensionVersion: '1.0.0',
    onStep: () => undefined,
    onLine: () => undefined,
    signal: new AbortController().signal,
  };
}

test('what is whole is in force, and takes the place of what was', async (t) => {
  const first = installing(t, 'exit 0');
  assert.equal(await currentEnvironment(first.home), undefined);
  await install(first);
  const second = await install({ ...first, extensionVersion: '1.1.0' });
  assert.deepEqual(await currentEnvironment(first.home), second);
  assert.equal(readdirSync(first.home).length, 2, 'the old one is gone');
  assert.ok(pythonOf(second).startsWith(second.folder));
});

const failures: [name: string, inside: string, make: string, problem: RegExp][] = [
  ['no ensurepip', '', 'echo "ensurepip is not available"; exit 1', /apt install python3-venv/],
  ['no compiler', 'echo "CMake Error: CMAKE_CXX_COMPILER not set"; exit 1', '', /C\+\+ compiler/],
  ['no such package', 'echo "ERROR: No matching distribution found for midfill"; exit 1', '', /installSource/],
  ['no network', 'echo "Failed to establish a new connection: refused"; exit 1', '', /cannot be reached/],
  ['a full disk', 'echo "OSError: [Errno 28] No space left on device"; exit 1', '', /no space left/],
  ['something else', 'echo "ERROR: the moon is full"; echo bye; exit 1', '', /the moon is full/],
  ['silence', 'exit 1', '', /said nothing/],
];

for (const [name, inside, make, problem] of failures) {
  test(`says what to do about ${name}, and leaves nothing behind`, async (t) => {
    const failing = installing(t, inside, make || undefined);
    await assert.rejects(install(failing), (error) => error instanceof SetupProblem && problem.test(error.message));
    assert.deepEqual(readdirSync(failing.home), []);
  });
}

test('a failure keeps what is in force', async (t) => {
  const good = installing(t, 'exit 0');
  const current = await install(good);
  await assert.rejects(install({ ...installing(t, 'exit 1'), home: good.home }));
  assert.deepEqual(await currentEnvironment(good.home), current);
});

test('can be cancelled at any step', async (t) => {
  const stopping = new AbortController();
  const slow = { ...installing(t, 'exec sleep 60'), signal: stopping.signal };
  const steps: string[] = [];
  const onStep = (step: string) => {
    steps.push(step);
    if (steps.length === 2) setImmediate(() => stopping.abort());
  };
  await assert.rejects(install({ ...slow, onStep }), { name: 'AbortError' });
  assert.deepEqual(readdirSync(slow.home), []);
});

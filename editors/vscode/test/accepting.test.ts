import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Acceptance, type Change } from '../src/accepting';

const insert = (offset: number, text: string): Change => ({ offset, nReplaced: 0, text });

const cases: [name: string, changes: Change[][], lengths: (number | undefined)[]][] = [
  ['words, one after the other', [[insert(10, ' return')], [insert(17, ' a')]], [7, 9]],
  ['a line of several', [[insert(10, ' return a +\n')]], [12]],
  ['the whole, which its command tells', [[insert(10, ' return a +\n    b')]], [undefined]],
  ['a character that is typed', [[insert(10, ' ')]], [undefined]],
  ['a word behind what is typed along', [[insert(10, ' ')], [insert(11, 'return')]], [undefined, 7]],
  ['all that is left', [[insert(10, ' return')], [insert(17, ' a +\n    b')]], [7, undefined]],
  ['other text', [[insert(10, ' print')]], [undefined]],
  ['another place', [[insert(9, ' return')]], [undefined]],
  ['text that replaces some', [[{ offset: 10, nReplaced: 1, text: ' return' }]], [undefined]],
  ['several cursors', [[insert(10, ' return'), insert(40, ' return')]], [undefined]],
];

for (const [name, changes, lengths] of cases) {
  test(`acceptance: ${name}`, () => {
    const acceptance = new Acceptance('7', ' return a +\n    b', 10);
    assert.deepEqual(
      changes.map((change) => acceptance.changed(change)),
      lengths.map((length) => (length === undefined ? undefined : { id: '7', length })),
    );
  });
}

test('acceptance: a typed line break with its indentation is no part', () => {
  assert.equal(new Acceptance('7', '\n    return a', 10).changed([insert(10, '\n    ')]), undefined);
});

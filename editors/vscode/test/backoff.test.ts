import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BackOff } from '../src/backoff';

test('waits longer and longer, then gives up', () => {
  const backOff = new BackOff();
  assert.deepEqual(Array.from({ length: 6 }, () => backOff.next(0)), [250, 500, 1000, 2000, 4000, undefined]);
  backOff.reset();
  assert.equal(backOff.next(0), 250);
});

test('forgets what is long ago', () => {
  const backOff = new BackOff();
  for (let minute = 0; minute < 20; minute++) assert.notEqual(backOff.next(minute * 60_000), undefined);
});

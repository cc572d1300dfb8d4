// The examples of the README, as they stand.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const here = fileURLToPath(new URL('..', import.meta.url));
const text = readFileSync(`${here}README.md`, 'utf8');
const blocks = [...text.matchAll(/^```js\n(.*?)^```/gms)].map(([, block]) => block);

function run(...words) {
  // A test runner that finds itself inside of another one talks to that.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return execFileSync(process.execPath, words, { cwd: here, env, encoding: 'utf8' });
}

// Inside of the package, so that it is found by its name.
mkdirSync(`${here}.built`, { recursive: true });
const files = blocks.map((block, index) => {
  const file = `.built/readme-${index}.mjs`;
  writeFileSync(`${here}${file}`, block);
  return file;
});

test('the first example says hello', () => {
  assert.equal(run(files[0]), 'hello\n');
});

test('the second one is a program', () => {
  // It would serve for ever, on a fixed port.
  assert.equal(run('--check', files[1]), '');
});

test('the third one is a test that passes', () => {
  assert.match(run('--test-reporter=tap', files[2]), /^# pass 1$/m);
  assert.equal(files.length, 3);
});

// What the tests share.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

export const minka = createRequire(import.meta.url)('../lib/index.js');
const { Admin, Broker, Consumer, Producer } = minka;

/** A test that hangs ends as a failure. */
export const TIMEOUT = 60_000;

const LIST = new URL('../../../tests/scenarios/LIST', import.meta.url);
const lines = readFileSync(LIST, 'utf8')
  .split('\n')
  .map((line) => line.split(/\s+/));
const targets = new Map(
  lines.filter(([word]) => word === 'scenario').map(([, name, on]) => [name, on]),
);

/** The errors of the list: number, name, and whether to try again. */
export const ERRORS = lines
  .filter(([word]) => word === 'error')
  .map(([, number, name, retry]) => ({
    number: Number(number),
    name,
    retriable: retry === 'retriable',
  }));

/** A test of the list of scenarios, run on each of its targets with a broker of its own. */
export function scenario(name, settings, body) {
  const on = targets.get(name);
  assert.ok(on, `${name} is not in the list`);
  test(name, { timeout: TIMEOUT }, async (t) => {
    for (const kind of on === 'both' ? ['in-process', 'socket'] : [on]) {
      await t.test(kind, async () => {
        const broker = await Broker.open({ kafka: '127.0.0.1:0', ...settings });
        const target = kind === 'socket' ? broker.bootstrapServers : broker;
        await keeping((keep) => body({ broker: keep(broker), target, kind, keep }));
      });
    }
  });
}

/** Calls a function that says what is to be closed behind it, the last first. */
export async function keeping(body) {
  const kept = [];
  try {
    return await body((one) => (kept.push(one), one));
  } finally {
    while (kept.length > 0) await kept.pop().close();
  }
}

/** Polls until there are so many records. */
export async function gather(consumer, count) {
  const records = [];
  while (records.length < count) records.push(...(await consumer.poll(10_000)));
  assert.equal(records.length, count);
  return records;
}

/** What is in partition 0 of a topic: so many records, and no more. */
export function everything(target, topic, count, partition = 0) {
  return keeping(async (keep) => {
    const consumer = keep(new Consumer(target));
    await consumer.assign([{ topic, partition, at: 'earliest' }]);
    const records = await gather(consumer, count);
    assert.deepEqual(await consumer.poll(50), []);
    return records;
  });
}

/** Sends values to partition 0 of a topic. */
export function fill(target, topic, values) {
  return keeping((keep) => {
    const producer = keep(new Producer(target));
    return producer.sendMany(values.map((value) => ({ topic, partition: 0, value })));
  });
}

/** A member of a queue group that begins with what is there, and delivers again at once. */
export async function member(target, topic, settings = {}, ofGroup = {}) {
  await keeping((keep) =>
    keep(new Admin(target)).alterGroup('workers', {
      'share.auto.offset.reset': 'earliest',
      'minka.retry.backoff.ms': 0,
      ...ofGroup,
    }),
  );
  const consumer = new Consumer(target, { groupId: 'workers', groupType: 'queue', ...settings });
  await consumer.subscribe(topic);
  return consumer;
}

/** That a promise is rejected with an error of this kind, whose sentence has these words. */
export async function rejects(promise, code, words = '') {
  const error = await promise.then(
    (value) => assert.fail(`it should be ${code}, not ${value}`),
    (reason) => reason,
  );
  return isError(error, code, words);
}

/** That a call throws an error of this kind. */
export function throws(call, code, words = '') {
  let error;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error, `it should throw ${code}`);
  return isError(error, code, words);
}

function isError(error, code, words) {
  assert.ok(error instanceof minka.MinkaError, `${error?.stack ?? error}`);
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.includes(words), error.message);
  return error;
}

/** A directory that is gone when the test is over. */
export function directory(t) {
  const path = mkdtempSync(join(tmpdir(), 'minka-node-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Tries until something is so. */
export async function eventually(check) {
  for (;;) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The values of records, as strings. */
export function values(records) {
  return records.map(({ value }) => value?.toString() ?? null);
}

// The helpers for test runners.

import assert from 'node:assert/strict';
import * as runner from 'node:test';
import { createRequire } from 'node:module';
import { TIMEOUT, everything, fill, minka, throws } from './support.mjs';

const { clean, useBroker, withBroker } = createRequire(import.meta.url)('../lib/testing.js');
const { Admin, Broker } = minka;
const { test } = runner;

test(
  'withBroker opens a broker, and closes it whatever happens',
  { timeout: TIMEOUT },
  async () => {
    let kept;
    const result = await withBroker(async (broker) => {
      kept = broker;
      assert.match(broker.bootstrapServers, /:\d+$/);
      return 7;
    });
    assert.equal(result, 7);
    throws(() => kept.bootstrapServers, 'CLOSED');
    await assert.rejects(
      withBroker({ numPartitions: 3 }, async (broker) => {
        kept = broker;
        await fill(broker, 'x', ['y']);
        const admin = new Admin(broker);
        assert.equal((await admin.topics())[0].partitions, 3);
        await admin.close();
        throw new Error('the body failed');
      }),
      /the body failed/,
    );
    throws(() => kept.bootstrapServers, 'CLOSED');
  },
);

runner.suite('tests that share a broker', () => {
  const shared = useBroker(runner);
  let first;

  test('the first one leaves a topic, a group and a fault', async () => {
    first = shared.broker;
    await fill(shared.bootstrapServers, 'left', ['x']);
    const consumer = new minka.Consumer(shared.broker, {
      groupId: 'left',
      groupType: 'partitions',
    });
    await consumer.subscribe('left');
    await consumer.poll();
    await consumer.close();
    shared.broker.fault({ at: 'Produce', times: Infinity, error: 'POLICY_VIOLATION' });
  });

  test('the second one finds nothing of that', async () => {
    assert.equal(shared.broker, first);
    const admin = new Admin(shared.broker);
    assert.deepEqual([await admin.topics(), await admin.groups()], [[], []]);
    await admin.close();
    await fill(shared.broker, 'left', ['y']);
    assert.equal((await everything(shared.broker, 'left', 1))[0].value.toString(), 'y');
  });
});

test('jest and vitest name their hooks otherwise', { timeout: TIMEOUT }, async () => {
  const called = {};
  const names = ['beforeAll', 'afterAll', 'beforeEach'];
  const globals = Object.fromEntries(
    names.map((name) => [
      name,
      (body) => {
        called[name] = body;
      },
    ]),
  );
  const shared = useBroker(globals, { numPartitions: 2 });
  await called.beforeAll();
  await called.beforeEach();
  await fill(shared.broker, 'x', ['y']);
  await called.beforeEach();
  await clean(shared.broker);
  await called.afterAll();
  throws(() => shared.bootstrapServers, 'CLOSED');
  throws(() => useBroker({}), 'INVALID_REQUEST');
  assert.ok(shared.broker instanceof Broker);
});

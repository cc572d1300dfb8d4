import assert from 'node:assert/strict';
import {
  eventually,
  everything,
  fill,
  gather,
  keeping,
  member,
  minka,
  rejects,
  scenario,
  values,
} from '../support.mjs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { Admin, Broker, Consumer, Producer } = minka;

scenario('clock_expires_retention', {}, async ({ broker, target, keep }) => {
  const admin = keep(new Admin(target));
  await admin.createTopic('news', { settings: { retentionMs: 60_000 } });
  await fill(target, 'news', ['old', 'older']);
  await broker.advanceClock(30_000);
  assert.equal((await admin.describeTopic('news')).partitions[0].start, 0n);
  await broker.advanceClock(31_000);
  const { start, end } = (await admin.describeTopic('news')).partitions[0];
  assert.deepEqual([start, end], [2n, 2n]);
  await fill(target, 'news', ['new']);
  assert.deepEqual(values(await everything(target, 'news', 1)), ['new']);
});

scenario('clock_expires_locks', {}, async ({ broker, target, keep }) => {
  const settings = { enableAutoCommit: false };
  await fill(target, 'jobs', ['x']);
  const first = keep(await member(target, 'jobs', settings));
  const [held] = await gather(first, 1);
  const second = keep(await member(target, 'jobs', settings));
  assert.deepEqual(await second.poll(50), []);
  const polled = second.poll(Infinity);
  await broker.advanceClock(30_000);
  const [again] = await polled;
  assert.equal(again.value.toString(), 'x');
  assert.equal(again.deliveryCount, 2);
  assert.equal(again.offset, held.offset);
});

scenario('clock_expires_sessions', {}, async ({ broker, target, keep }) => {
  const admin = keep(new Admin(target));
  await admin.createTopic('jobs');
  const silent = new Consumer(target, { groupId: 'g', groupType: 'partitions' });
  await silent.subscribe('jobs');
  const members = async () => (await admin.describeGroup('g')).members;
  await eventually(async () => {
    await silent.poll(10);
    return (await admin.groups()).length === 1 && (await members()).length === 1;
  });
  const [{ id }] = await members();
  const events = broker.events();
  // Its heart beats by the time of the process, not by the broker's.
  await broker.advanceClock(60_000);
  for (;;) {
    const event = await events.next();
    if (event.kind === 'memberLeft' && event.member === id) break;
  }
  await events.close();
  // What it wants to commit on the way out is not its own any more.
  await silent
    .close()
    .catch(({ code }) =>
      assert.match(code, /^(UNKNOWN_MEMBER|ILLEGAL_GENERATION|GROUP_NOT_FOUND)$/),
    );
});

scenario('fault_fails_the_nth_produce', {}, async ({ broker, target, keep }) => {
  await fill(target, 'orders', ['first']);
  const producer = keep(new Producer(target));
  const send = (value) => producer.send({ topic: 'orders', partition: 0, value });
  broker.fault({ at: 'Produce', nth: 2, error: 'POLICY_VIOLATION' });
  await send('1');
  await rejects(send('2'), 'POLICY_VIOLATION');
  await send('3');
  assert.deepEqual(values(await everything(target, 'orders', 3)), ['first', '1', '3']);
});

scenario('fault_delays', {}, async ({ broker, target, keep }) => {
  await fill(target, 'late', ['x']);
  const consumer = keep(new Consumer(target));
  broker.fault({ at: 'Fetch', delay: 300 });
  const began = performance.now();
  await consumer.assign([{ topic: 'late', partition: 0 }]);
  assert.deepEqual(values(await gather(consumer, 1)), ['x']);
  assert.ok(performance.now() - began >= 299, `${performance.now() - began}`);
});

scenario('fault_drops_connections', {}, async ({ broker, target, keep }) => {
  const producer = keep(new Producer(target));
  await producer.send({ topic: 'once', partition: 0, value: 'before' });
  broker.fault({ at: 'Produce', drop: 'answer' });
  await producer.send({ topic: 'once', partition: 0, value: 'lost answer' });
  broker.dropConnections();
  await producer.send({ topic: 'once', partition: 0, value: 'after' });
  assert.deepEqual(values(await everything(target, 'once', 3)), ['before', 'lost answer', 'after']);
});

scenario('fault_fails_the_disk', {}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'minka-node-'));
  const data = join(directory, 'data');
  try {
    const broker = await Broker.open({ data });
    const producer = new Producer(broker);
    await producer.send({ topic: 'kept', value: 'before' });
    broker.fault({ at: 'disk.sync', error: 'STORAGE_FAILED' });
    await rejects(producer.send({ topic: 'kept', value: 'lost' }), 'STORAGE_FAILED');
    const error = await rejects(
      producer.send({ topic: 'kept', value: 'refused' }),
      'STORAGE_FAILED',
    );
    assert.equal(error.fatal, true);
    await producer.close();
    await broker.close().catch(({ code }) => assert.equal(code, 'STORAGE_FAILED'));
    await keeping(async (keep) => {
      const again = keep(await Broker.open({ data }));
      await fill(again, 'kept', ['after']);
      const found = values(await gatherAll(again, keep));
      assert.equal(found[0], 'before');
      assert.equal(found.at(-1), 'after');
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

async function gatherAll(broker, keep) {
  const admin = keep(new Admin(broker));
  const [{ end }] = (await admin.describeTopic('kept')).partitions;
  return everything(broker, 'kept', Number(end));
}

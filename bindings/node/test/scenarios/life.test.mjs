import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

const { Broker, Consumer, Producer } = minka;

/** Calls a function with a directory, which is gone behind it. */
async function withDirectory(body) {
  const directory = mkdtempSync(join(tmpdir(), 'minka-node-'));
  try {
    return await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

scenario('ephemeral_leaves_nothing', {}, async ({ target }) => {
  await withDirectory(async (directory) => {
    const before = process.cwd();
    process.chdir(directory);
    try {
      await fill(target, 'gone', ['x']);
      await everything(target, 'gone', 1);
    } finally {
      process.chdir(before);
    }
    assert.deepEqual(readdirSync(directory), []);
  });
  const files = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return 'the directory that was read';
    }
  });
  assert.deepEqual(
    files.filter((file) => /mensajes|broker\.log/.test(file)),
    [],
  );
});

scenario('durable_across_a_reopen', {}, async () => {
  await withDirectory(async (directory) => {
    const data = join(directory, 'data');
    const group = { groupId: 'billing', groupType: 'partitions' };
    await keeping(async (keep) => {
      const broker = keep(await Broker.open({ data }));
      await fill(broker, 'orders', ['1', '2', '3']);
      const consumer = keep(new Consumer(broker, { ...group, maxPollRecords: 2 }));
      await consumer.subscribe('orders');
      await gather(consumer, 2);
      await consumer.commit();
      await rejects(Broker.open({ data }), 'DIRECTORY_LOCKED');
    });
    await keeping(async (keep) => {
      const broker = keep(await Broker.open({ data }));
      assert.deepEqual(values(await everything(broker, 'orders', 3)), ['1', '2', '3']);
      const consumer = keep(new Consumer(broker, group));
      await consumer.subscribe('orders');
      assert.deepEqual(values(await gather(consumer, 1)), ['3']);
    });
  });
});

scenario('snapshot_and_copy', {}, async ({ broker }) => {
  await withDirectory(async (directory) => {
    const copied = join(directory, 'copy');
    await fill(broker, 'orders', ['1', '2']);
    await broker.snapshot(copied);
    await rejects(broker.snapshot(copied), 'INVALID_CONFIG');
    await fill(broker, 'orders', ['3']);
    await keeping(async (keep) => {
      const copy = keep(await Broker.open({ copyOf: copied }));
      assert.deepEqual(values(await everything(copy, 'orders', 2)), ['1', '2']);
      await fill(copy, 'orders', ['another 3', '4']);
      assert.deepEqual(values(await everything(copy, 'orders', 4)), ['1', '2', 'another 3', '4']);
      assert.deepEqual(values(await everything(broker, 'orders', 3)), ['1', '2', '3']);
    });
  });
});

scenario('wait_until_idle', {}, async ({ broker, target, keep }) => {
  await fill(target, 'jobs', ['1', '2', '3']);
  const consumer = keep(await member(target, 'jobs', { maxPollRecords: 1 }));
  await gather(consumer, 1);
  await rejects(broker.waitUntilIdle({ group: 'workers', timeout: 50 }), 'TIMEOUT', 'workers');
  const idle = broker.waitUntilIdle();
  for (let left = 2; left > 0; left -= 1) await gather(consumer, 1);
  await consumer.commit().catch(() => {});
  await consumer.close();
  await idle;
  await rejects(broker.waitUntilIdle({ group: 'nobody' }), 'GROUP_NOT_FOUND', 'nobody');
});

scenario('thousand_opens_and_closes', {}, async () => {
  const once = () =>
    keeping(async (keep) => {
      const broker = keep(await Broker.open());
      const producer = keep(new Producer(broker));
      await producer.send({ topic: 'x', value: 'y' });
      const consumer = keep(new Consumer(broker));
      await consumer.assign([{ topic: 'x', partition: 0 }]);
      await gather(consumer, 1);
    });
  const count = (what) => readdirSync(`/proc/self/${what}`).length;
  const resident = () => {
    globalThis.gc?.();
    return process.memoryUsage.rss() / 2 ** 20;
  };
  for (let warm = 0; warm < 200; warm += 1) await once();
  const before = { tasks: count('task'), descriptors: count('fd'), resident: resident() };
  for (let opened = 0; opened < 1000; opened += 1) await once();
  // A thread that has settled its last promise is gone a moment later.
  await eventually(() => count('task') <= before.tasks && count('fd') <= before.descriptors);
  assert.ok(resident() < before.resident + 40, `${before.resident} MiB became ${resident()}`);
});

import assert from 'node:assert/strict';
import {
  eventually,
  everything,
  fill,
  gather,
  member,
  minka,
  rejects,
  scenario,
  values,
} from '../support.mjs';

const { Admin, Consumer, Producer } = minka;

scenario('queue_group_shares', {}, async ({ broker, target, keep }) => {
  const numbers = Array.from({ length: 100 }, (_, number) => `${number}`);
  const both = [keep(await member(target, 'jobs')), keep(await member(target, 'jobs'))];
  await fill(target, 'jobs', numbers);
  const got = [];
  const work = async (consumer) => {
    for await (const record of consumer) {
      got.push(record);
      if (got.length === 100) both.forEach((one) => one.wake());
    }
    await consumer.commit();
  };
  await Promise.all(both.map(work));
  assert.deepEqual(values(got).sort(), numbers.toSorted());
  assert.ok(got.every((record) => record.deliveryCount === 1));
  for (const consumer of both) await consumer.close();
  await broker.waitUntilIdle({ group: 'workers' });
});

scenario('queue_release_and_reject', {}, async ({ broker, target, keep }) => {
  await fill(target, 'jobs', ['release', 'reject', 'accept']);
  const consumer = keep(await member(target, 'jobs', { enableAutoCommit: false }));
  const [release, reject, accept] = await gather(consumer, 3);
  consumer.release(release);
  consumer.reject(reject);
  consumer.accept(accept);
  await consumer.commit();
  const [again] = await gather(consumer, 1);
  assert.equal(again.value.toString(), 'release');
  assert.equal(again.deliveryCount, 2);
  consumer.accept(again);
  await consumer.commit();
  assert.deepEqual(await consumer.poll(50), []);
  await broker.waitUntilIdle({ group: 'workers' });
});

scenario('queue_renew', {}, async ({ broker, target, keep }) => {
  await fill(target, 'jobs', ['renewed', 'forgotten']);
  const settings = { enableAutoCommit: false };
  const [slow, other] = [
    keep(await member(target, 'jobs', settings)),
    keep(await member(target, 'jobs', settings)),
  ];
  const [renewed] = await gather(slow, 2);
  await broker.advanceClock(20_000);
  slow.renew(renewed);
  await slow.commit();
  await broker.advanceClock(20_000);
  const [again] = await gather(other, 1);
  assert.equal(again.value.toString(), 'forgotten');
  slow.accept(renewed);
  await slow.commit();
  assert.deepEqual(await other.poll(50), []);
});

scenario('queue_dead_letters', {}, async ({ target, keep }) => {
  const admin = keep(new Admin(target));
  await fill(target, 'jobs', ['poison']);
  const limits = { 'minka.dead.letter.enable': true, 'share.delivery.count.limit': 2 };
  const consumer = keep(await member(target, 'jobs', { enableAutoCommit: false }, limits));
  for (let count = 1; count <= 2; count += 1) {
    const [record] = await gather(consumer, 1);
    assert.equal(record.deliveryCount, count);
    consumer.release(record);
    await consumer.commit();
  }
  await eventually(async () => (await admin.topics()).some(({ name }) => name === 'jobs.dlq'));
  const [buried] = await everything(target, 'jobs.dlq', 1);
  assert.equal(buried.value.toString(), 'poison');
});

scenario('partition_group_commits', {}, async ({ target, keep }) => {
  const settings = { groupId: 'billing', groupType: 'partitions', enableAutoCommit: false };
  await fill(target, 'orders', ['1', '2', '3', '4']);
  const first = keep(new Consumer(target, { ...settings, maxPollRecords: 2 }));
  await first.subscribe('orders');
  assert.equal(
    await first.committed('orders', 0).catch(({ code }) => code !== undefined && null),
    null,
  );
  assert.deepEqual(values(await gather(first, 2)), ['1', '2']);
  await first.commit();
  assert.equal(await first.committed('orders', 0), 2n);
  assert.deepEqual(values(await gather(first, 2)), ['3', '4']);
  await first.close();
  const second = keep(new Consumer(target, settings));
  await second.subscribe(['orders']);
  assert.deepEqual(values(await gather(second, 2)), ['3', '4']);
});

scenario('assign_seek_pause', {}, async ({ target, keep }) => {
  const producer = keep(new Producer(target));
  await producer.sendMany(
    Array.from({ length: 10 }, (_, number) => ({
      topic: 'log',
      partition: 0,
      value: `${number}`,
      timestamp: 1_000_000 + 1000 * number,
    })),
  );
  const consumer = keep(new Consumer(target, { maxPollRecords: 1 }));
  await consumer.assign([{ topic: 'log', partition: 0, at: 7n }]);
  assert.deepEqual(consumer.assignment(), [{ topic: 'log', partition: 0 }]);
  assert.deepEqual(values(await gather(consumer, 1)), ['7']);
  assert.equal(consumer.position('log', 0), 8n);
  consumer.seek('log', 0, { time: 1_003_500 });
  assert.deepEqual(values(await gather(consumer, 1)), ['4']);
  consumer.seek('log', 0, 2);
  consumer.pause('log', 0);
  assert.deepEqual(await consumer.poll(50), []);
  consumer.resume('log', 0);
  assert.deepEqual(values(await gather(consumer, 1)), ['2']);
  consumer.seek('log', 0, 'latest');
  await producer.send({ topic: 'log', partition: 0, value: 'x' });
  await consumer.assign([{ topic: 'log', partition: 0, at: new Date(1_009_000) }]);
  assert.deepEqual(values(await gather(consumer, 2)), ['9', 'x']);
});

scenario('admin_topics', {}, async ({ target, keep }) => {
  const admin = keep(new Admin(target));
  await admin.createTopic('orders', { partitions: 2, settings: { 'retention.ms': 1000 } });
  await rejects(admin.createTopic('orders'), 'TOPIC_EXISTS', 'orders');
  const retention = async () => {
    const { settings } = await admin.describeTopic('orders');
    return settings.find(({ name }) => name === 'retention.ms');
  };
  assert.deepEqual(await retention(), { name: 'retention.ms', value: '1000', isDefault: false });
  await admin.addPartitions('orders', 3);
  await fill(target, 'orders', ['x']);
  const { id, partitions } = await admin.describeTopic('orders');
  assert.equal(id.length, 22);
  assert.deepEqual(
    partitions,
    [0, 1, 2].map((index) => ({
      index,
      start: 0n,
      end: index === 0 ? 1n : 0n,
    })),
  );
  await admin.alterTopic('orders', { retentionMs: 5000 });
  assert.equal((await retention()).value, '5000');
  await admin.alterTopic('orders', { retentionMs: null });
  assert.equal((await retention()).isDefault, true);
  assert.deepEqual(await admin.topics(), [{ name: 'orders', id, partitions: 3 }]);
  await admin.deleteTopic('orders');
  assert.deepEqual(await admin.topics(), []);
  await rejects(admin.describeTopic('orders'), 'UNKNOWN_TOPIC_OR_PARTITION', 'orders');
  const { brokers } = await admin.cluster();
  assert.ok(brokers.every(({ port }) => port > 0));
});

scenario('admin_groups', {}, async ({ target, keep }) => {
  const admin = keep(new Admin(target));
  await fill(target, 'orders', ['1', '2', '3']);
  const open = () =>
    keep(new Consumer(target, { groupId: 'billing', groupType: 'partitions', maxPollRecords: 2 }));
  const consumer = open();
  await consumer.subscribe('orders');
  await gather(consumer, 2);
  await consumer.commit();
  const { kind, members, partitions } = await admin.describeGroup('billing');
  assert.equal(kind, 'partitions');
  assert.deepEqual(
    members.map(({ clientId, assigned }) => [clientId, assigned]),
    [['minka', [{ topic: 'orders', partition: 0 }]]],
  );
  assert.equal(partitions[0].committed, 2n);
  assert.equal(partitions[0].end, 3n);
  assert.equal(partitions[0].lag, 1n);
  await rejects(admin.resetGroup('billing', 'orders', 'earliest'), 'NON_EMPTY_GROUP');
  await consumer.close();
  assert.deepEqual(
    (await admin.groups()).map(({ name, kind: of }) => [name, of]),
    [['billing', 'partitions']],
  );
  await admin.resetGroup('billing', 'orders', 'earliest');
  const again = open();
  await again.subscribe('orders');
  assert.deepEqual(values(await gather(again, 2)), ['1', '2']);
  await again.close();
  await admin.deleteGroup('billing');
  await rejects(admin.describeGroup('billing'), 'GROUP_NOT_FOUND', 'billing');
});

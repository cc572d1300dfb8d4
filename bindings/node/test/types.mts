// Every method as TypeScript sees it. test/api.test.mjs compiles this strictly, and runs it.

import assert from 'node:assert/strict';
import {
  Admin,
  Broker,
  Consumer,
  ERROR_KINDS,
  EventStream,
  MinkaError,
  Producer,
  Receipt,
  Record,
  Reject,
} from 'minka';
import type {
  BrokerEvent,
  ClusterDescription,
  GroupDescription,
  GroupListing,
  Message,
  Place,
  Target,
  TopicDescription,
  TopicListing,
  TopicPartition,
} from 'minka';
import { useBroker, withBroker } from 'minka/testing';

async function clients(target: Target): Promise<void> {
  await using producer = new Producer(target, { lingerMs: 0, 'compression.type': 'zstd' });
  const message: Message = {
    topic: 'typed',
    value: 'one',
    key: Buffer.from('k'),
    headers: { a: null },
  };
  const receipt: Receipt = await producer.send(message);
  const offset: bigint | null = receipt.offset;
  assert.equal(offset, 0n);
  const receipts: Receipt[] = await producer.sendMany([
    { topic: 'typed', value: null, partition: 0, timestamp: new Date(5) },
    { topic: 'typed', value: new Uint8Array([1]), headers: new Map([['h', 'v']]) },
  ]);
  assert.equal(receipts.length, 2);
  await producer.flush();
  await producer.flush(1000);

  await using consumer = new Consumer(target, { groupId: 'typed', groupType: 'partitions' });
  await consumer.subscribe('typed');
  const seen: bigint[] = [];
  for await (const record of consumer) {
    const { topic, partition, timestamp, value, key, deliveryCount, headers }: Record = record;
    const text: string | undefined = value?.toString();
    assert.ok([undefined, 'one', '\x01'].includes(text) && topic === 'typed' && partition === 0);
    assert.ok(timestamp > 0 && deliveryCount === 1 && headers.every(([name]) => name.length === 1));
    assert.ok(key === null || Buffer.isBuffer(key));
    if (seen.push(record.offset) === 3) break;
  }
  assert.deepEqual(seen, [0n, 1n, 2n]);
  await consumer.commit();
  const committed: bigint | null = await consumer.committed('typed', 0);
  const position: bigint | null = consumer.position('typed', 0);
  const assigned: TopicPartition[] = consumer.assignment();
  assert.deepEqual([committed, position, assigned], [3n, 3n, [{ topic: 'typed', partition: 0 }]]);
  const places: Place[] = [
    'earliest',
    'latest',
    1n,
    1,
    new Date(),
    { time: 1 },
    { time: new Date() },
  ];
  for (const place of places) consumer.seek('typed', 0, place);
  consumer.pause('typed', 0);
  consumer.resume('typed', 0);
  consumer.wake();
  await assert.rejects(
    consumer.poll(),
    (error: MinkaError) => error.code === 'INTERRUPTED' && error.retriable,
  );
  assert.throws(() => consumer.accept({ topic: 'typed', partition: 0, offset: 0n }), MinkaError);
  const late: bigint = consumer.acknowledgedTooLate;
  assert.equal(late, 0n);
}

async function admins(target: Target): Promise<void> {
  await using admin = new Admin(target, { requestTimeoutMs: 5000 });
  await admin.createTopic('made', { partitions: 2, settings: { maxMessageBytes: 100_000 } });
  await admin.addPartitions('made', 3);
  await admin.alterTopic('made', { 'max.message.bytes': null, retentionMs: 5 });
  const topics: TopicListing[] = await admin.topics();
  const topic: TopicDescription = await admin.describeTopic('made');
  const groups: GroupListing[] = await admin.groups();
  const group: GroupDescription = await admin.describeGroup('typed');
  const cluster: ClusterDescription = await admin.cluster();
  assert.equal(topics.length, 2);
  assert.equal(topic.partitions[2]?.end, 0n);
  assert.deepEqual([groups.length, group.kind, group.partitions[0]?.lag], [1, 'partitions', 0n]);
  assert.equal(typeof cluster.id, 'string');
  await admin.resetGroup('typed', 'typed', 'earliest');
  await admin.alterGroup('typed', { 'minka.retry.backoff.ms': 5 });
  await admin.deleteGroup('typed');
  await admin.deleteTopic('made');
}

await withBroker({ kafka: '127.0.0.1:0', onAdmission: async () => undefined }, async (broker) => {
  await using events: EventStream = broker.events({ capacity: 10 });
  await clients(broker);
  await admins(broker.bootstrapServers ?? assert.fail('it has a door'));
  const first: BrokerEvent | null = await events.next();
  assert.equal(first?.kind, 'topicCreated');
  for await (const event of events) {
    if (event.kind === 'topicDeleted') break;
  }
  broker.fault({ at: 'Produce', nth: 2, times: Infinity, delay: 5 });
  broker.clearFaults();
  broker.dropConnections();
  await broker.advanceClock(1000);
  await broker.waitUntilIdle();
  await broker.waitUntilIdle({ timeout: 100 });
  const other: Broker = Broker.attach(broker.token);
  assert.equal(other.bootstrapServers, broker.bootstrapServers);
  await other.close();
});

{
  await using broker = await Broker.open({
    onDelivery: () => ({ value: null }),
    onAuthentication() {
      throw new Reject('no');
    },
  });
  assert.equal(broker.bootstrapServers, null);
  assert.match(await broker.listen(), /^127\.0\.0\.1:\d+$/);
  broker.unref().ref();
}
assert.equal(ERROR_KINDS.get('CLOSED')?.fatal, true);
assert.equal(typeof useBroker, 'function');

// What TypeScript refuses.
void (async (broker: Broker, producer: Producer, consumer: Consumer) => {
  // @ts-expect-error a broker is opened by Broker.open
  new Broker();
  // @ts-expect-error a message has a value
  await producer.send({ topic: 'x' });
  // @ts-expect-error a fault loses a request or an answer
  broker.fault({ at: 'Produce', drop: 'everything' });
  // @ts-expect-error offsets are bigint
  const wrong: number = (await consumer.poll())[0]!.offset;
  // @ts-expect-error a place is one of a few
  consumer.seek('x', 0, 'middle');
});
console.log('typed');

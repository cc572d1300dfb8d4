import assert from 'node:assert/strict';
import { everything, fill, gather, minka, rejects, scenario, values } from '../support.mjs';

const { Admin, Consumer, Producer } = minka;

scenario('produce_and_consume', {}, async ({ target, keep }) => {
  const producer = keep(new Producer(target));
  const sent = [
    { key: 'a key', value: 'a value', headers: { name: 'x', none: null } },
    {
      key: null,
      value: Buffer.from([0, 255, 128]),
      headers: [
        ['twice', '1'],
        ['twice', '2'],
      ],
    },
    { key: Buffer.alloc(0), value: null },
    { key: 'gr\u00fc\u00df', value: '', timestamp: 1_700_000_000_123 },
  ];
  for (const message of sent) await producer.send({ topic: 'records', ...message });
  const records = await everything(target, 'records', sent.length);
  assert.deepEqual(
    records.map((one) => one.offset),
    [0n, 1n, 2n, 3n],
  );
  assert.deepEqual(
    records.map((one) => one.key?.toString() ?? null),
    ['a key', null, '', 'gr\u00fc\u00df'],
  );
  const bytes = [Buffer.from('a value'), Buffer.from([0, 255, 128]), null, Buffer.alloc(0)];
  assert.deepEqual(
    records.map((one) => one.value),
    bytes,
  );
  assert.deepEqual(records[0].headers, [
    ['name', Buffer.from('x')],
    ['none', null],
  ]);
  assert.deepEqual(records[1].headers, [
    ['twice', Buffer.from('1')],
    ['twice', Buffer.from('2')],
  ]);
  assert.deepEqual(records[2].headers, []);
  assert.equal(records[3].timestamp, 1_700_000_000_123);
  assert.ok(records.every((one) => one.topic === 'records' && one.partition === 0));
});

scenario('order_within_a_partition', { numPartitions: 3 }, async ({ target, keep }) => {
  const producer = keep(new Producer(target));
  const numbers = Array.from({ length: 1000 }, (_, number) => `${number}`);
  const receipts = await Promise.all(
    numbers.map((value) => producer.send({ topic: 'ordered', key: 'one', value })),
  );
  const records = await everything(target, 'ordered', 1000, receipts[0].partition);
  assert.deepEqual(values(records), numbers);
});

scenario('batches_and_receipts', { numPartitions: 3 }, async ({ target, keep }) => {
  const producer = keep(new Producer(target));
  const messages = Array.from({ length: 1000 }, (_, number) => ({
    topic: 'batches',
    partition: number % 3,
    value: `${number}`,
  }));
  const receipts = await producer.sendMany(messages);
  const next = [0n, 0n, 0n];
  for (const [number, receipt] of receipts.entries()) {
    assert.equal(receipt.topic, 'batches');
    assert.equal(receipt.partition, number % 3);
    assert.equal(receipt.offset, next[receipt.partition]++);
    assert.ok(receipt.timestamp > 1_600_000_000_000);
  }
  assert.equal(new Set(receipts.map(({ id }) => id)).size, 1000);
});

scenario('large_and_compressed_records', {}, async ({ target, keep }) => {
  const large = Buffer.alloc(1_048_576 - 1024, 'minka');
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    const producer = keep(new Producer(target, { compressionType: codec, batchSize: 1 << 20 }));
    await producer.send({ topic: codec, value: large });
    const [record] = await everything(target, codec, 1);
    assert.ok(record.value.equals(large), codec);
  }
  const admin = keep(new Admin(target));
  await admin.createTopic('small', { settings: { maxMessageBytes: 1000 } });
  await rejects(fill(target, 'small', [Buffer.alloc(2000)]), 'MESSAGE_TOO_LARGE');
  await fill(target, 'small', ['fits']);
});

scenario('unknown_topic', { autoCreateTopicsEnable: false }, async ({ target, keep }) => {
  const producer = keep(new Producer(target, { maxBlockMs: 500, deliveryTimeoutMs: 1000 }));
  const sent = producer.send({ topic: 'nowhere', value: 'x' });
  await rejects(sent, 'UNKNOWN_TOPIC_OR_PARTITION', 'nowhere');
});

scenario('replay_from_the_start', {}, async ({ target, keep }) => {
  const numbers = Array.from({ length: 50 }, (_, number) => `${number}`);
  await fill(target, 'history', numbers);
  for (let round = 0; round < 2; round += 1) {
    const readers = [keep(new Consumer(target)), keep(new Consumer(target))];
    for (const reader of readers) {
      await reader.assign([{ topic: 'history', partition: 0, at: 'earliest' }]);
    }
    const read = await Promise.all(readers.map((reader) => gather(reader, 50)));
    assert.deepEqual(read.map(values), [numbers, numbers]);
  }
});

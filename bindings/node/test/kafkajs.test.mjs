// A foreign client on an ephemeral broker, whose clock and faults are the test's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import { TIMEOUT, eventually, everything, keeping, minka, values } from './support.mjs';

const { Broker } = minka;
const { Kafka, logLevel } = kafkajs;

function kafka(broker, retries = 5) {
  const retry = { initialRetryTime: 10, maxRetryTime: 50, retries };
  return new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING, retry });
}

/** As what is closed by this package's tests is closed. */
async function connected(client) {
  await client.connect();
  return Object.assign(client, { close: () => client.disconnect() });
}

test('kafkajs produces, and its consumer group reads', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open({ kafka: '127.0.0.1:0' }));
    const producer = keep(await connected(kafka(broker).producer()));
    const messages = Array.from({ length: 100 }, (_, number) => ({
      key: `${number % 7}`,
      value: `${number}`,
    }));
    await producer.send({ topic: 'orders', messages });
    const consumer = keep(await connected(kafka(broker).consumer({ groupId: 'readers' })));
    await consumer.subscribe({ topic: 'orders', fromBeginning: true });
    const read = [];
    await consumer.run({
      autoCommitThreshold: 100,
      eachMessage: async ({ message }) => {
        read.push(`${message.value}`);
      },
    });
    await eventually(() => read.length === 100);
    assert.deepEqual(
      read,
      messages.map(({ value }) => value),
    );
    await consumer.commitOffsets([{ topic: 'orders', partition: 0, offset: '100' }]);
    await broker.waitUntilIdle({ group: 'readers' });
  }),
);

test('the clock that the test moves deletes what kafkajs sent', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open({ kafka: '127.0.0.1:0' }));
    const admin = keep(await connected(kafka(broker).admin()));
    const configEntries = [{ name: 'retention.ms', value: '60000' }];
    await admin.createTopics({ topics: [{ topic: 'news', numPartitions: 1, configEntries }] });
    const producer = keep(await connected(kafka(broker).producer()));
    await producer.send({ topic: 'news', messages: [{ value: 'old' }] });
    await broker.advanceClock(61_000);
    const [{ low, high }] = await admin.fetchTopicOffsets('news');
    assert.deepEqual([low, high], ['1', '1']);
  }),
);

test('kafkajs sees the faults that the test asks for, and recovers', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open({ kafka: '127.0.0.1:0' }));
    const producer = keep(await connected(kafka(broker).producer()));
    const send = (value) => producer.send({ topic: 'x', messages: [{ value }] });
    await send('1');
    broker.fault({ at: 'Produce', error: 'POLICY_VIOLATION' });
    await assert.rejects(send('refused'), /policy/i);
    broker.fault({ at: 'Produce', error: 'NOT_LEADER' });
    await send('2');
    broker.fault({ at: 'Produce', drop: 'request' });
    await send('3');
    broker.dropConnections();
    await send('4');
    assert.deepEqual(values(await everything(broker, 'x', 4)), ['1', '2', '3', '4']);
  }),
);

// What speed.mjs does, with kafkajs: run RECORDS ADDRESS.
//
// MINKA_KAFKAJS is a directory that has kafkajs installed.

import { createRequire } from 'node:module';
import { join } from 'node:path';

// So many are sent, and then waited for; in requests of which each is a batch.
const BATCH = 100_000;
const REQUEST = 1000;
const VALUE = Buffer.alloc(100, 'm');
const seconds = () => performance.now() / 1000;

const require = createRequire(join(process.env.MINKA_KAFKAJS, 'package.json'));
const { Kafka, logLevel } = require('kafkajs');

async function run(count, address) {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  const messages = Array.from({ length: REQUEST }, () => ({ value: VALUE }));
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: 'speed', messages: messages.slice(0, 1) });
  let since = seconds();
  const batch = Math.min(BATCH, count);
  for (let sent = 0; sent < count; sent += batch) {
    const requests = Array.from({ length: batch / REQUEST }, () =>
      producer.send({ topic: 'speed', messages }),
    );
    await Promise.all(requests);
  }
  const produced = seconds() - since;
  await producer.disconnect();

  const consumer = kafka.consumer({ groupId: 'speed' });
  await consumer.connect();
  await consumer.subscribe({ topic: 'speed', fromBeginning: true });
  let [left, size] = [count, 0];
  const all = new Promise((resolve) => {
    // Counted from the first batch, since joining a group takes its time.
    consumer.run({
      eachBatch: async ({ batch }) => {
        since = since || seconds();
        left -= batch.messages.length;
        for (const message of batch.messages) size += message.value.length;
        if (left <= 0) resolve();
      },
    });
  });
  since = 0;
  await all;
  const consumed = seconds() - since;
  if (size < count * VALUE.length) throw new Error(`only ${size} bytes came`);
  await consumer.disconnect();
  console.log(`produced=${produced} consumed=${consumed}`);
}

const [, count, address] = process.argv.slice(2);
await run(Number(count), address);

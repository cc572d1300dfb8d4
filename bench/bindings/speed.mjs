// How fast Node is with minka.
//
// start                     seconds of importing minka and of Broker.open()
// run RECORDS [ADDRESS]     seconds of sending records of 100 bytes and of reading them; on a broker
//                           in this process without an address
//
// MINKA_NODE is the package's directory.

import { createRequire } from 'node:module';
import { join } from 'node:path';

// So many are sent, and then waited for.
const BATCH = 100_000;
const VALUE = Buffer.alloc(100, 'm');
const seconds = () => performance.now() / 1000;

const began = seconds();
const require = createRequire(join(process.env.MINKA_NODE, 'package.json'));
const { Broker, Consumer, Producer } = require('minka');
const imported = seconds();

async function start() {
  const broker = await Broker.open();
  const opened = seconds();
  await broker.close();
  console.log(`import=${imported - began} broker=${opened - imported}`);
}

async function run(count, address) {
  const target = address ?? (await Broker.open());
  const messages = Array.from({ length: Math.min(BATCH, count) }, () => ({ topic: 'speed', value: VALUE }));
  const producer = new Producer(target);
  await producer.send(messages[0]);
  let since = seconds();
  for (let sent = 0; sent < count; sent += messages.length) await producer.sendMany(messages);
  const produced = seconds() - since;
  await producer.close();

  const consumer = new Consumer(target, { maxPollRecords: 10_000 });
  since = seconds();
  await consumer.assign([{ topic: 'speed', partition: 0 }]);
  let [left, size] = [count, 0];
  while (left > 0) {
    const records = await consumer.poll(10_000);
    left -= records.length;
    for (const record of records) size += record.value.length;
  }
  const consumed = seconds() - since;
  if (size < count * VALUE.length) throw new Error(`only ${size} bytes came`);
  await consumer.close();
  if (!address) await target.close();
  console.log(`produced=${produced} consumed=${consumed}`);
}

const [what, count, address] = process.argv.slice(2);
await (what === 'start' ? start() : run(Number(count), address));

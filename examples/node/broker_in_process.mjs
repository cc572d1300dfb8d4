// A broker inside this program: durable, and open to every Kafka client.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker, Consumer, Producer } from 'minka';

async function open(data) {
  const broker = await Broker.open({ data, kafka: '127.0.0.1:0' });
  console.log(`ready: ${broker.bootstrapServers}`);
  return broker;
}

async function send(target, value) {
  const producer = new Producer(target);
  await producer.send({ topic: 'events', value });
  await producer.close();
}

/** Reads so many records as a member of the group `readers`. Closing commits them. */
async function receive(broker, count) {
  const consumer = new Consumer(broker, { groupId: 'readers', groupType: 'partitions' });
  await consumer.subscribe('events');
  let left = count;
  for await (const record of consumer) {
    console.log(`received: ${record.value}`);
    left -= 1;
    if (left === 0) break;
  }
  await consumer.close();
}

const data = await mkdtemp(join(tmpdir(), 'minka-example-'));
let broker = await open(data);
// Without a socket, and through one: it is the same broker.
await send(broker, 'in process');
await send(broker.bootstrapServers, 'over a socket');
await receive(broker, 2);
await broker.close();

// What was acknowledged is on the disk, and the group goes on behind what it has read.
broker = await open(data);
await send(broker, 'after a restart');
await receive(broker, 1);
await broker.close();
await rm(data, { recursive: true });

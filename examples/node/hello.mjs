// Sends a record and reads it back: on a broker in this process, or on the one whose address is the
// first argument.

import { Broker, Consumer, Producer } from 'minka';

// Without a data directory everything is in memory.
const broker = await Broker.open();
const target = process.argv[2] ?? broker;

const producer = new Producer(target);
const receipt = await producer.send({ topic: 'greetings', key: 'node', value: 'hello from node' });
console.log(`sent: ${receipt.topic}/${receipt.partition}@${receipt.offset}`);
await producer.close();

const consumer = new Consumer(target);
await consumer.assign([{ topic: 'greetings', partition: receipt.partition, at: receipt.offset }]);
for await (const record of consumer) {
  console.log(`received: ${record.value}`);
  break;
}
await consumer.close();
await broker.close();

// Records stay in the log: they can be read again, from the start, an offset or a time.
//
// On a broker in this process, or on the one whose address is the first argument.

import { Admin, Broker, Consumer, Producer } from 'minka';

const TOPIC = 'temperatures';
const START = 1_700_000_000_000;

/** The values from where the consumer is to the last of the five records. */
async function readToTheEnd(consumer) {
  const values = [];
  while (consumer.position(TOPIC, 0) !== 5n) {
    values.push(...(await consumer.poll()).map((record) => `${record.value}`));
  }
  return values.join(' ');
}

const broker = await Broker.open();
const target = process.argv[2] ?? broker;

const admin = new Admin(target);
await admin.deleteTopic(TOPIC).catch((error) => {
  if (error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
});
await admin.createTopic(TOPIC, { partitions: 1 });
await admin.close();

const producer = new Producer(target);
for (const [minute, value] of ['20', '21', '22', '23', '24'].entries()) {
  await producer.send({ topic: TOPIC, value, timestamp: START + minute * 60_000 });
}
await producer.close();

const consumer = new Consumer(target);
await consumer.assign([{ topic: TOPIC, partition: 0, at: 'earliest' }]);
console.log('from the start:', await readToTheEnd(consumer));
consumer.seek(TOPIC, 0, 3n);
console.log('from offset 3:', await readToTheEnd(consumer));
const time = START + 2 * 60_000;
consumer.seek(TOPIC, 0, { time });
console.log(`from time ${time}:`, await readToTheEnd(consumer));
await consumer.close();
await broker.close();

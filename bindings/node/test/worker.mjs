// What the tests of worker threads run in them.

import { parentPort, workerData } from 'node:worker_threads';
import { minka } from './support.mjs';

const { Broker, Consumer, Producer } = minka;
const { what, token, address } = workerData;

const target = token === undefined ? address : Broker.attach(token);

if (what === 'consume') {
  const consumer = new Consumer(target);
  await consumer.assign([{ topic: 'shared', partition: 0 }]);
  for await (const record of consumer) {
    parentPort.postMessage(record.value.toString());
    if (record.value.toString() === 'last') break;
  }
  await consumer.close();
} else if (what === 'hang') {
  const consumer = new Consumer(target);
  await consumer.assign([{ topic: 'shared', partition: 0 }]);
  const producer = new Producer(target);
  await producer.send({ topic: 'other', value: 'x' });
  producer.send({ topic: 'other', value: 'y' });
  consumer.poll(Infinity);
  parentPort.postMessage('hanging');
} else if (what === 'serve') {
  const broker = await Broker.open({
    kafka: '127.0.0.1:0',
    hookTimeoutMs: 60_000,
    onAdmission: (record) => (String(record.value) === 'hang' ? new Promise(() => {}) : undefined),
  });
  parentPort.postMessage({ token: broker.token, address: broker.bootstrapServers });
}

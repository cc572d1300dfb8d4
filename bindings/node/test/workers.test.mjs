// Worker threads: each loads the addon, and they share brokers of the process.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { TIMEOUT, eventually, fill, keeping, minka } from './support.mjs';

const { Broker, Producer } = minka;

function start(workerData) {
  return new Worker(new URL('worker.mjs', import.meta.url), { workerData });
}

async function received(worker) {
  const messages = [];
  worker.on('message', (message) => messages.push(message));
  const [code] = await once(worker, 'exit');
  assert.equal(code, 0);
  return messages;
}

test('consumers in workers read from a broker of the main thread', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open({ kafka: '127.0.0.1:0' }));
    const ways = [
      { token: broker.token },
      { address: broker.bootstrapServers },
      { token: broker.token },
    ];
    const workers = ways.map((way) => received(start({ what: 'consume', ...way })));
    await fill(broker, 'shared', ['first', 'last']);
    for (const messages of await Promise.all(workers))
      assert.deepEqual(messages, ['first', 'last']);
    assert.equal((await fill(broker, 'shared', ['on'])).length, 1);
  }),
);

test('a worker may be ended in the middle of everything', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open({ kafka: '127.0.0.1:0' }));
    await fill(broker, 'shared', []);
    for (let count = 0; count < 5; count += 1) {
      const way = count % 2 === 0 ? { token: broker.token } : { address: broker.bootstrapServers };
      const worker = start({ what: 'hang', ...way });
      await once(worker, 'message');
      await worker.terminate();
    }
    assert.equal((await fill(broker, 'shared', ['on'])).length, 1);
  }),
);

test(
  'a broker ends with the worker that opened it, also while a hook waits',
  { timeout: TIMEOUT },
  () =>
    keeping(async (keep) => {
      const worker = start({ what: 'serve' });
      const [{ token, address }] = await once(worker, 'message');
      const broker = Broker.attach(token);
      const inProcess = keep(new Producer(broker));
      await inProcess.send({ topic: 'served', value: 'x' });
      const quick = { requestTimeoutMs: 1000, deliveryTimeoutMs: 1500, maxBlockMs: 1000 };
      const remote = keep(new Producer(address, quick));
      await remote.send({ topic: 'served', value: 'y' });
      const hanging = [inProcess, remote].map((one) =>
        one.send({ topic: 'served', value: 'hang' }),
      );
      const fates = Promise.allSettled(hanging);
      await worker.terminate();
      for (const { status } of await fates) assert.equal(status, 'rejected');
      await eventually(() => {
        try {
          Broker.attach(token);
          return false;
        } catch ({ code }) {
          return code === 'CLOSED';
        }
      });
      await broker.close();
    }),
);

// The thread of JavaScript is never kept waiting.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { TIMEOUT, fill, keeping, minka, rejects, values } from './support.mjs';

const { Broker, Consumer, Producer } = minka;

/** Counts the turns of the event loop until a promise is settled. */
async function turns(promise) {
  let count = 0;
  let over = false;
  promise
    .finally(() => {
      over = true;
    })
    .catch(() => {});
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    count += 1;
  }
  await promise;
  return count;
}

test('the event loop turns while a consumer polls', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open({ kafka: '127.0.0.1:0' }));
    await fill(broker, 'empty', ['x']);
    for (const target of [broker, broker.bootstrapServers]) {
      const consumer = keep(new Consumer(target));
      await consumer.assign([{ topic: 'empty', partition: 0, at: 'latest' }]);
      assert.ok((await turns(consumer.poll(200))) > 100);
    }
  }),
);

test('the event loop turns while a broker waits', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open());
    await fill(broker, 'slow', ['x']);
    broker.fault({ at: 'Produce', delay: 200 });
    const producer = keep(new Producer(broker));
    assert.ok((await turns(producer.send({ topic: 'slow', value: 'y' }))) > 100);
  }),
);

test('polls take no thread from files and names', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open());
    await fill(broker, 'empty', ['x']);
    const polls = [];
    for (let count = 0; count < 8; count += 1) {
      const consumer = keep(new Consumer(broker));
      await consumer.assign([{ topic: 'empty', partition: 0, at: 'latest' }]);
      polls.push(rejects(consumer.poll(Infinity), 'CLOSED').then(() => {}));
      await readFile(new URL(import.meta.url));
      setTimeout(() => consumer.close(), 300);
    }
    await Promise.all(polls);
  }),
);

test('what is sent in one turn travels together', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open({ kafka: '127.0.0.1:0' }));
    const producer = keep(new Producer(broker.bootstrapServers));
    const numbers = Array.from({ length: 20_000 }, (_, number) => `${number}`);
    const sent = numbers.map((value) => producer.send({ topic: 'many', partition: 0, value }));
    const receipts = await Promise.all(sent);
    assert.deepEqual(
      receipts.map(({ offset }) => offset),
      numbers.map((number) => BigInt(number)),
    );
    const consumer = keep(new Consumer(broker));
    await consumer.assign([{ topic: 'many', partition: 0 }]);
    const read = [];
    while (read.length < 20_000) read.push(...(await consumer.poll()));
    assert.deepEqual(values(read), numbers);
  }),
);

// When a process ends: by itself when nothing is open, and without a crash in any case.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { TIMEOUT } from './support.mjs';

const MODULE = new URL('../lib/index.js', import.meta.url).href;

/** Runs a program; how it ended, and what it printed. */
async function run(body, before = () => {}) {
  const names = '{ Admin, Broker, Consumer, Producer }';
  const text = `import minka from '${MODULE}';\nconst ${names} = minka;\n${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: 'pipe' });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => {
    output += data;
    before(child, output);
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, output, errors };
}

const fine = { code: 0, signal: null, output: 'done\n', errors: '' };

test('it ends by itself when everything is closed', { timeout: TIMEOUT }, async () => {
  assert.deepEqual(
    await run(`
    const broker = await Broker.open({ kafka: '127.0.0.1:0' });
    for (const target of [broker, broker.bootstrapServers]) {
      const all = [new Producer(target), new Consumer(target, { groupId: 'g' }), new Admin(target)];
      await all[0].send({ topic: 'x', value: 'y' });
      await all[1].subscribe('x');
      await all[1].poll(10);
      await all[2].topics();
      for (const one of all) await one.close();
    }
    await broker.close();
    console.log('done');
  `),
    fine,
  );
});

test(
  'open clients alone do not keep it, nor a broker that is told not to',
  { timeout: TIMEOUT },
  async () => {
    assert.deepEqual(
      await run(`
    const broker = (await Broker.open({ kafka: '127.0.0.1:0' })).unref();
    for (const target of [broker, broker.bootstrapServers]) {
      const producer = new Producer(target);
      await producer.send({ topic: 'x', value: 'y' });
      const consumer = new Consumer(target);
      await consumer.assign([{ topic: 'x', partition: 0 }]);
      await consumer.poll();
      await new Admin(target).topics();
    }
    broker.events();
    console.log('done');
  `),
      fine,
    );
  },
);

test('an open broker keeps it', { timeout: TIMEOUT }, async () => {
  const ended = await run(
    `
    const broker = await Broker.open();
    broker.unref().ref();
    process.on('exit', () => console.log('exit'));
    console.log('open');
  `,
    (child, output) => {
      if (output === 'open\n') setTimeout(() => child.kill('SIGKILL'), 500);
    },
  );
  assert.deepEqual([ended.signal, ended.output], ['SIGKILL', 'open\n']);
});

test('a poll that is pending keeps it until it is over', { timeout: TIMEOUT }, async () => {
  assert.deepEqual(
    await run(`
    const broker = (await Broker.open()).unref();
    await new Admin(broker).createTopic('x');
    const consumer = new Consumer(broker);
    await consumer.assign([{ topic: 'x', partition: 0 }]);
    consumer.poll(300).then(() => console.log('done'));
  `),
    fine,
  );
});

test('it may end with everything open and under way', { timeout: TIMEOUT }, async () => {
  for (let count = 0; count < 5; count += 1) {
    assert.deepEqual(
      await run(`
      const broker = await Broker.open({ kafka: '127.0.0.1:0', onAdmission() {} });
      for (const target of [broker, broker.bootstrapServers]) {
        const producer = new Producer(target);
        await producer.send({ topic: 'x', value: 'y' });
        for (let count = 0; count < 1000; count += 1) producer.send({ topic: 'x', value: 'z' });
        const consumer = new Consumer(target, { groupId: 'g' });
        await consumer.subscribe('x');
        consumer.poll(Infinity);
        new Admin(target).topics();
      }
      broker.events().next();
      broker.waitUntilIdle();
      console.log('done');
      setTimeout(() => process.exit(0), ${count});
    `),
      fine,
    );
  }
});

test('what is forgotten is closed in the background', { timeout: TIMEOUT }, async () => {
  const text = `
    const { readdirSync } = await import('node:fs');
    const { setFlagsFromString } = await import('node:v8');
    const { runInNewContext } = await import('node:vm');
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    const broker = await Broker.open();
    const threads = () => readdirSync('/proc/self/task').length;
    const before = threads();
    await (async () => {
      for (let count = 0; count < 20; count += 1) {
        const consumer = new Consumer(broker, { groupId: 'g' });
        await consumer.subscribe('x');
        await consumer.poll(1);
      }
    })();
    while (threads() > before) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await broker.close();
    console.log('done');
  `;
  assert.deepEqual(await run(text), fine);
});

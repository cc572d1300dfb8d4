// Hooks that are functions of JavaScript.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import {
  TIMEOUT,
  everything,
  fill,
  gather,
  keeping,
  member,
  minka,
  rejects,
  values,
} from './support.mjs';

const { Admin, Broker, Consumer, Producer, Reject } = minka;

test('a hook may be async, and what it throws is the reason', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(
      await Broker.open({
        kafka: '127.0.0.1:0',
        async onAdmission(record) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          return { value: JSON.stringify({ ...JSON.parse(record.value), at: 1 }) };
        },
      }),
    );
    for (const target of [broker, broker.bootstrapServers]) {
      const producer = keep(new Producer(target));
      await producer.send({ topic: 'json', partition: 0, value: '{"a":1}' });
      await rejects(
        producer.send({ topic: 'json', partition: 0, value: 'no json' }),
        'INVALID_RECORD',
        'JSON',
      );
    }
    assert.deepEqual(values(await everything(broker, 'json', 2)), Array(2).fill('{"a":1,"at":1}'));
  }),
);

test('a hook sees who it is and what it is about', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const seen = [];
    const note = (record, peer) => {
      const { topic, partition, offset, timestamp, key, value, headers } = record;
      seen.push({ topic, partition, offset, timestamp, key, value, headers, peer });
    };
    const broker = keep(
      await Broker.open({ kafka: '127.0.0.1:0', onAdmission: note, onDelivery: note }),
    );
    const producer = keep(new Producer(broker.bootstrapServers, { clientId: 'writer' }));
    await producer.send({
      topic: 't',
      partition: 0,
      key: 'k',
      value: null,
      timestamp: 12345,
      headers: { a: null },
    });
    const consumer = keep(new Consumer(broker, { clientId: 'reader' }));
    await consumer.assign([{ topic: 't', partition: 0 }]);
    await gather(consumer, 1);
    const record = {
      topic: 't',
      partition: 0,
      timestamp: 12345,
      key: Buffer.from('k'),
      value: null,
      headers: [['a', null]],
    };
    const [written, read] = seen;
    assert.match(written.peer.address, /^127\.0\.0\.1:\d+$/);
    const writer = { clientId: 'writer', user: null, address: written.peer.address };
    assert.deepEqual(written, { ...record, offset: null, peer: writer });
    assert.deepEqual(read, {
      ...record,
      offset: 0n,
      peer: { clientId: 'reader', user: null, address: null },
    });
  }),
);

test('a hook may send, to the broker that waits for it', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    let audit;
    const broker = keep(
      await Broker.open({
        async onAdmission({ topic, value }) {
          if (topic !== 'audit')
            await audit.send({ topic: 'audit', partition: 0, value: `saw ${value}` });
        },
      }),
    );
    audit = keep(new Producer(broker));
    await fill(broker, 'orders', ['1', '2']);
    assert.deepEqual(values(await everything(broker, 'audit', 2)), ['saw 1', 'saw 2']);
  }),
);

test('hooks keep up with many records of many clients', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    let admitted = 0;
    let delivered = 0;
    const broker = keep(
      await Broker.open({
        kafka: '127.0.0.1:0',
        onAdmission() {
          admitted += 1;
        },
        onDelivery() {
          delivered += 1;
        },
      }),
    );
    const numbers = Array.from({ length: 500 }, (_, number) => `${number}`);
    const topics = ['a', 'b', 'c', 'd'];
    const target = (index) => (index % 2 === 0 ? broker : broker.bootstrapServers);
    await Promise.all(topics.map((topic, index) => fill(target(index), topic, numbers)));
    assert.equal(admitted, 2000);
    await Promise.all(topics.map((topic, index) => everything(target(index + 1), topic, 500)));
    assert.equal(delivered, 2000);
  }),
);

test('a queue group is not given what delivery leaves out', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(
      await Broker.open({
        kafka: '127.0.0.1:0',
        onDelivery({ value }) {
          if (`${value}` === 'hidden') throw new Reject('nobody sees this');
        },
      }),
    );
    await fill(broker, 'jobs', ['1', 'hidden', '2']);
    const consumer = keep(await member(broker.bootstrapServers, 'jobs'));
    assert.deepEqual(values(await gather(consumer, 2)), ['1', '2']);
    await consumer.close();
    await broker.waitUntilIdle({ group: 'workers' });
  }),
);

test('a hook that does not answer in time refuses', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(
      await Broker.open({ hookTimeoutMs: 100, onAdmission: () => new Promise(() => {}) }),
    );
    const producer = keep(new Producer(broker));
    await rejects(producer.send({ topic: 'x', value: 'y' }), 'INVALID_RECORD', 'in time');
  }),
);

test('closing ends a hook that waits', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    let asked;
    const isAsked = new Promise((resolve) => {
      asked = resolve;
    });
    const broker = await Broker.open({
      kafka: '127.0.0.1:0',
      onAdmission() {
        asked();
        return new Promise(() => {});
      },
    });
    const quick = { requestTimeoutMs: 500, deliveryTimeoutMs: 1000 };
    const producers = [
      keep(new Producer(broker)),
      keep(new Producer(broker.bootstrapServers, quick)),
    ];
    const sent = producers.map((producer) => producer.send({ topic: 'x', value: 'y' }));
    const fates = Promise.allSettled(sent);
    await isAsked;
    await broker.close();
    for (const { status } of await fates) assert.equal(status, 'rejected');
  }),
);

test('what a hook may not return is refused and said', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const answers = { number: 7, text: 'yes', value: { value: 7 }, headers: { headers: 'a' } };
    const broker = keep(await Broker.open({ onAdmission: ({ topic }) => answers[topic] }));
    const producer = keep(new Producer(broker));
    for (const topic of Object.keys(answers)) {
      await rejects(producer.send({ topic, value: 'x' }), 'INVALID_RECORD', ' ');
    }
  }),
);

test('a fault in onDelivery is an uncaught exception', { timeout: TIMEOUT }, () => {
  const lib = new URL('../lib/index.js', import.meta.url).pathname;
  const body = `
    const { Broker, Consumer, Producer } = require(${JSON.stringify(lib)});
    (async () => {
      const broker = await Broker.open({ onDelivery() { throw new TypeError('a slip'); } });
      await new Producer(broker).send({ topic: 'x', value: 'y' });
      const consumer = new Consumer(broker);
      await consumer.assign([{ topic: 'x', partition: 0 }]);
      await consumer.poll(5000).catch(() => {});
      await new Promise((done) => setTimeout(done, 5000));
    })();`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', body], { encoding: 'utf8' });
  assert.equal(status, 1, stderr);
  assert.match(stderr, /TypeError: a slip/);
});

test('a password is asked for, and its user is known to the hooks', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const users = [];
    const broker = keep(
      await Broker.open({
        kafka: '127.0.0.1:0',
        onAuthentication({ user, password }) {
          if (password !== `${user}'s`) throw new Reject('wrong password');
        },
        onAdmission(record, { user }) {
          users.push(user);
        },
      }),
    );
    const login = { saslUsername: 'anna', saslPassword: "anna's" };
    const producer = keep(new Producer(broker.bootstrapServers, login));
    await producer.send({ topic: 'x', value: 'y' });
    await fill(broker, 'x', ['in process nobody is asked']);
    assert.deepEqual(users, ['anna', null]);
    const admin = keep(
      new Admin(broker.bootstrapServers, {
        ...login,
        saslPassword: '?',
        defaultApiTimeoutMs: 2000,
      }),
    );
    const { message } = await admin.topics().catch((error) => error);
    assert.match(message, /wrong password/);
  }),
);

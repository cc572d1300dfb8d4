// The face of the package: its types, and what no scenario is about.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { test } from 'node:test';
import ts from 'typescript';
import {
  TIMEOUT,
  everything,
  fill,
  gather,
  keeping,
  member,
  minka,
  rejects,
  throws,
  values,
} from './support.mjs';

const { Admin, Broker, Consumer, MinkaError, Producer } = minka;

const here = fileURLToPath(new URL('..', import.meta.url));

test(
  'the types hold, strictly, and so does what was compiled with them',
  { timeout: TIMEOUT },
  () => {
    const run = (...words) =>
      execFileSync(process.execPath, words, { cwd: here, encoding: 'utf8' });
    assert.equal(run('node_modules/typescript/bin/tsc', '-p', '.'), '');
    assert.equal(run('.built/test/types.mjs'), 'typed\n');
  },
);

test('the types have the classes and members that there are', () => {
  const file = `${here}lib/index.d.ts`;
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const declared = new Map();
  for (const node of source.statements) {
    if (ts.isClassDeclaration(node)) declared.set(node.name.text, membersOf(node));
  }
  for (const [name, names] of declared) {
    const Class = minka[name];
    assert.equal(typeof Class, 'function', name);
    const found = [...chain(Class.prototype)].filter((one) => !ownFields[name]?.includes(one));
    assert.deepEqual(
      [...new Set(found)].sort(),
      names.filter((one) => !ownFields[name]?.includes(one)).sort(),
      name,
    );
  }
  const others = Object.keys(minka).filter((name) => !declared.has(name));
  assert.deepEqual(others, ['ERROR_KINDS']);
});

/** What is no method or getter, but a property of each object. */
const ownFields = {
  MinkaError: ['code', 'number', 'retriable', 'fatal', 'results'],
  Receipt: ['topic', 'partition', 'offset', 'id', 'timestamp'],
};

function membersOf(node) {
  return node.members
    .filter((one) => !ts.isConstructorDeclaration(one))
    .filter((one) => !one.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword))
    .map((one) =>
      ts.isComputedPropertyName(one.name) ? `[${one.name.expression.name.text}]` : one.name.text,
    );
}

/** The names of a class and its parents, without what is not for users. */
function* chain(prototype) {
  for (
    let at = prototype;
    at !== Object.prototype && at !== Error.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const key of Reflect.ownKeys(at)) {
      if (key === 'constructor' || key === 'name' || key === inspect.custom) continue;
      if (key === Symbol.for('minka.native')) continue;
      yield typeof key === 'symbol' ? `[${key.description.replace(/^.*\./, '')}]` : key;
    }
  }
}

test('sendMany tells what became of each message', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open({ autoCreateTopicsEnable: false }));
    await keep(new Admin(broker)).createTopic('known', { partitions: 1 });
    const producer = keep(new Producer(broker, { maxBlockMs: 200 }));
    assert.deepEqual(await producer.sendMany([]), []);
    const messages = ['known', 'unknown', 'known'].map((topic) => ({ topic, value: 'x' }));
    const error = await rejects(
      producer.sendMany(messages),
      'UNKNOWN_TOPIC_OR_PARTITION',
      'unknown',
    );
    assert.deepEqual(
      error.results.map((one) => one.offset ?? one.code),
      [0n, 'UNKNOWN_TOPIC_OR_PARTITION', 1n],
    );
  }),
);

test('a producer takes its time only while it waits for something', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open());
    const producer = keep(new Producer(broker, { lingerMs: 60_000 }));
    const sent = producer.send({ topic: 'x', value: 'y' });
    await producer.flush();
    assert.equal((await sent).offset, 0n);
    const last = producer.send({ topic: 'x', value: 'z' });
    await producer.close();
    assert.equal((await last).offset, 1n);
  }),
);

test('a message may be changed as soon as it was sent', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open());
    const producer = keep(new Producer(broker));
    const value = Buffer.alloc(100, 'a');
    const sent = producer.send({ topic: 'x', partition: 0, value });
    const many = producer.sendMany([{ topic: 'x', partition: 0, value }]);
    value.fill('b');
    await Promise.all([sent, many]);
    assert.deepEqual(values(await everything(broker, 'x', 2)), Array(2).fill('a'.repeat(100)));
  }),
);

test('what a loop was left with is returned again', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open());
    await fill(broker, 'x', ['1', '2', '3', '4', '5', '6']);
    const take = async (consumer, count) => {
      const taken = [];
      for await (const record of consumer) if (taken.push(record) === count) break;
      return values(taken);
    };
    const group = { groupId: 'g', groupType: 'partitions' };
    const first = keep(new Consumer(broker, group));
    await first.subscribe('x');
    assert.deepEqual(await take(first, 2), ['1', '2']);
    assert.equal(first.position('x', 0), 2n);
    await first.close();
    const second = keep(new Consumer(broker, group));
    await second.subscribe('x');
    for await (const record of second) {
      assert.equal(`${record.value}`, '3');
      await second.commit();
      assert.equal(await second.committed('x', 0), 3n);
      await second.close();
    }
    const third = keep(new Consumer(broker, group));
    await third.subscribe('x');
    assert.deepEqual(await take(third, 3), ['4', '5', '6']);

    const worker = keep(await member(broker, 'x'));
    assert.deepEqual(await take(worker, 2), ['1', '2']);
    await worker.close();
    const other = keep(await member(broker, 'x'));
    const rest = await gather(other, 4);
    assert.deepEqual(
      rest.map(({ deliveryCount }) => deliveryCount),
      [2, 2, 2, 2],
    );
    assert.deepEqual(values(rest), ['3', '4', '5', '6']);
  }),
);

test('what a poll had that closing ended is returned again', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open());
    await fill(broker, 'x', []);
    await keep(new Admin(broker)).createTopic('x', { partitions: 1 });
    const producer = keep(new Producer(broker));
    const got = new Set();
    for (let round = 0; round < 50; round += 1) {
      const consumer = keep(await member(broker, 'x'));
      const polled = consumer
        .poll(Infinity)
        .catch(({ code }) => assert.equal(code, 'CLOSED') ?? []);
      const sent = producer.send({ topic: 'x', value: `${round}` });
      await new Promise((resolve) => setTimeout(resolve, round % 3));
      await Promise.all([sent, consumer.close()]);
      values(await polled).forEach((value) => got.add(value));
    }
    const last = keep(await member(broker, 'x'));
    while (got.size < 50) values(await last.poll()).forEach((value) => got.add(value));
  }),
);

test('a second call while one is pending is refused', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open());
    await fill(broker, 'x', ['1']);
    const consumer = keep(new Consumer(broker));
    await consumer.assign([{ topic: 'x', partition: 0, at: 'latest' }]);
    const polled = consumer.poll(Infinity);
    await rejects(consumer.poll(), 'INVALID_REQUEST', 'another call');
    throws(() => consumer.assignment(), 'INVALID_REQUEST', 'another call');
    consumer.wake();
    await rejects(polled, 'INTERRUPTED');
    assert.deepEqual(consumer.assignment(), [{ topic: 'x', partition: 0 }]);
  }),
);

test('records and errors show what they are', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open());
    await fill(broker, 'x', ['shown']);
    const [record] = await everything(broker, 'x', 1);
    assert.match(inspect(record), /^Record \{\s+topic: 'x',[^]*offset: 0n/);
    const error = new MinkaError('a sentence', 'TIMEOUT');
    assert.equal(String(error), 'MinkaError: a sentence');
    assert.deepEqual([error.number, error.retriable, error.fatal], [3, true, false]);
    assert.equal(new MinkaError('?', 'NO_SUCH_KIND').code, 'INTERNAL');
  }),
);

test('an error knows where it was called', { timeout: TIMEOUT }, () =>
  keeping(async (keep) => {
    const broker = keep(await Broker.open());
    const admin = keep(new Admin(broker));
    async function callingItHere() {
      await admin.deleteTopic('nowhere');
    }
    const { stack } = await rejects(callingItHere(), 'UNKNOWN_TOPIC_OR_PARTITION');
    assert.match(stack, /callingItHere/);
  }),
);

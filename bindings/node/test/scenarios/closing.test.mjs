import assert from 'node:assert/strict';
import {
  ERRORS,
  eventually,
  fill,
  gather,
  member,
  minka,
  rejects,
  scenario,
  throws,
  values,
} from '../support.mjs';

const { Admin, Broker, Consumer, ERROR_KINDS, Producer } = minka;

scenario('close_ends_a_blocked_poll', {}, async ({ target, keep }) => {
  const admin = keep(new Admin(target));
  await admin.createTopic('empty');
  const consumer = keep(await member(target, 'empty'));
  const polled = consumer.poll(Infinity);
  await eventually(async () => {
    const groups = await admin.groups();
    return groups.length > 0 && (await admin.describeGroup('workers')).members.length === 1;
  });
  const closed = consumer.close();
  await rejects(polled, 'CLOSED');
  await closed;
  assert.deepEqual((await admin.describeGroup('workers')).members, []);
});

scenario('wake_ends_a_blocked_poll', {}, async ({ target, keep }) => {
  await fill(target, 'letters', ['a']);
  const consumer = keep(new Consumer(target));
  await consumer.assign([{ topic: 'letters', partition: 0 }]);
  await gather(consumer, 1);
  const polled = consumer.poll(Infinity);
  await fill(target, 'others', ['takes some time']);
  consumer.wake();
  await rejects(polled, 'INTERRUPTED');
  await fill(target, 'letters', ['b']);
  assert.deepEqual(values(await gather(consumer, 1)), ['b']);
});

scenario('close_ends_a_blocked_send', {}, async ({ broker, target, keep }) => {
  const producer = keep(new Producer(target, { bufferMemory: 65536, batchSize: 16384 }));
  await producer.send({ topic: 'slow', value: 'first' });
  broker.fault({ at: 'Produce', times: Infinity, delay: 2000 });
  const sent = Array.from({ length: 50 }, () =>
    producer.send({ topic: 'slow', value: Buffer.alloc(8000) }),
  );
  const fates = Promise.allSettled(sent);
  await producer.close(100).catch((error) => assert.equal(error.code, 'TIMEOUT'));
  for (const fate of await fates) {
    if (fate.status === 'rejected') assert.equal(fate.reason.code, 'CLOSED', fate.reason.message);
  }
  broker.clearFaults();
});

scenario('use_after_close', {}, async ({ broker, target }) => {
  const [producer, consumer, admin] = [
    new Producer(target),
    new Consumer(target),
    new Admin(target),
  ];
  await fill(target, 'used', ['x']);
  await consumer.assign([{ topic: 'used', partition: 0 }]);
  const [record] = await gather(consumer, 1);
  const events = broker.events();
  for (const one of [producer, consumer, admin, events]) await one.close();
  const message = { topic: 'used', value: 'x' };
  await rejects(producer.send(message), 'CLOSED', 'producer');
  await rejects(producer.sendMany([message]), 'CLOSED', 'producer');
  await rejects(producer.flush(), 'CLOSED', 'producer');
  await rejects(consumer.subscribe('used'), 'CLOSED', 'consumer');
  await rejects(consumer.assign([]), 'CLOSED', 'consumer');
  await rejects(consumer.poll(), 'CLOSED', 'consumer');
  await rejects(consumer.commit(), 'CLOSED', 'consumer');
  await rejects(consumer.committed('used', 0), 'CLOSED', 'consumer');
  for (const say of ['accept', 'release', 'reject', 'renew']) {
    throws(() => consumer[say](record), 'CLOSED', 'consumer');
  }
  for (const call of [
    () => consumer.acknowledgedTooLate,
    () => consumer.seek('used', 0, 0n),
    () => consumer.pause('used', 0),
    () => consumer.resume('used', 0),
    () => consumer.position('used', 0),
    () => consumer.assignment(),
  ])
    throws(call, 'CLOSED', 'consumer');
  for await (const one of consumer) assert.fail(`${one}`);
  consumer.wake();
  await rejects(admin.topics(), 'CLOSED', 'admin');
  await rejects(admin.createTopic('x'), 'CLOSED', 'admin');
  await rejects(events.next(), 'CLOSED', 'event stream');
  await broker.close();
  for (const call of [
    () => broker.bootstrapServers,
    () => broker.fault({ at: 'Produce', error: 'TIMEOUT' }),
    () => broker.clearFaults(),
    () => broker.dropConnections(),
    () => broker.events(),
    () => new Producer(broker),
    () => new Consumer(broker),
    () => new Admin(broker),
    () => Broker.attach(broker.token),
  ])
    throws(call, 'CLOSED', 'broker');
  await rejects(broker.listen(), 'CLOSED', 'broker');
  await rejects(broker.advanceClock(1), 'CLOSED', 'broker');
  await rejects(broker.snapshot('/tmp/never'), 'CLOSED', 'broker');
  await rejects(broker.waitUntilIdle(), 'CLOSED', 'broker');
});

scenario('close_twice', {}, async ({ broker, target }) => {
  const all = [
    new Producer(target),
    new Consumer(target),
    new Admin(target),
    broker.events(),
    broker,
  ];
  for (const one of all) {
    await Promise.all([one.close(), one.close()]);
    await one.close();
  }
});

scenario('broker_closes_under_clients', {}, async ({ broker, target, kind, keep }) => {
  const quick = { requestTimeoutMs: 500, retryBackoffMaxMs: 100 };
  await fill(target, 'left', ['x']);
  const consumer = keep(new Consumer(target, quick));
  await consumer.assign([{ topic: 'left', partition: 0, at: 'latest' }]);
  const queue = keep(await member(target, 'left', quick));
  await gather(queue, 1);
  const producer = keep(
    new Producer(target, { ...quick, maxBlockMs: 500, deliveryTimeoutMs: 600 }),
  );
  await producer.send({ topic: 'left', value: 'y' });
  const polls = [consumer, queue].map(async (one) => {
    for (;;) await one.poll(kind === 'socket' ? 2000 : Infinity);
  });
  const fates = Promise.allSettled(polls);
  const admin = keep(new Admin(target, { ...quick, defaultApiTimeoutMs: 500 }));
  await broker.close();
  const fate = await producer.send({ topic: 'left', value: 'z' }).catch((error) => error.code);
  const codes = kind === 'socket' ? ['TIMEOUT', 'BROKER_UNAVAILABLE', 'NETWORK'] : ['CLOSED'];
  assert.ok(codes.includes(fate), fate);
  const asked = await admin.topics().catch((error) => error.code);
  assert.ok(codes.includes(asked), asked);
  // What the member was given can not be accepted any more.
  const left = queue.close().catch((error) => assert.equal(error.code, 'CLOSED'));
  await Promise.all([left, consumer.close()]);
  for (const { reason } of await fates) {
    assert.ok([...codes, 'CLOSED'].includes(reason.code), reason.message);
  }
});

scenario('wrong_arguments', {}, async ({ broker, target, keep }) => {
  const producer = keep(new Producer(target));
  for (const message of [
    undefined,
    null,
    'text',
    {},
    { topic: 'x' },
    { topic: 7, value: '' },
    { topic: 'x', value: 7 },
    { topic: 'x', value: {} },
    { topic: 'x', key: 7, value: '' },
    { topic: 'x', partition: -1, value: '' },
    { topic: 'x', partition: 1.5, value: '' },
    { topic: 'x', partition: 2 ** 31, value: '' },
    { topic: 'x', timestamp: 'now', value: '' },
    { topic: 'x', timestamp: NaN, value: '' },
    { topic: 'x', headers: 7, value: '' },
    { topic: 'x', headers: [['lonely']], value: '' },
    { topic: 'x', headers: { name: 7 }, value: '' },
    { topic: '\ud800', value: '' },
  ])
    await rejects(producer.send(message), 'INVALID_REQUEST');
  await rejects(producer.send({ topic: '', value: '' }), 'INVALID_TOPIC');
  await rejects(producer.send({ topic: 'a b', value: '' }), 'INVALID_TOPIC');
  await rejects(producer.sendMany('text'), 'INVALID_REQUEST');
  await rejects(producer.sendMany([{ topic: 'x', value: '' }, null]), 'INVALID_REQUEST');
  await rejects(producer.flush(-1), 'INVALID_REQUEST');
  await rejects(
    producer.send({ topic: 'one', partition: 9, value: '' }),
    'UNKNOWN_TOPIC_OR_PARTITION',
  );
  for (const to of [undefined, null, 7, {}, [], () => {}]) {
    for (const Class of [Producer, Consumer, Admin]) throws(() => new Class(to), 'INVALID_REQUEST');
  }
  for (const Class of [Producer, Consumer, Admin]) {
    throws(() => new Class(''), 'INVALID_CONFIG');
    throws(() => new Class('no port'), 'INVALID_CONFIG');
    throws(() => new Class(target, { noSuchThing: 1 }), 'INVALID_CONFIG', 'no.such.thing');
    throws(() => new Class(target, { clientId: {} }), 'INVALID_CONFIG');
    throws(() => new Class(target, { requestTimeoutMs: 'soon' }), 'INVALID_CONFIG');
    throws(() => new Class(target, 7), 'INVALID_REQUEST');
  }
  const consumer = keep(new Consumer(target));
  await rejects(consumer.poll('soon'), 'INVALID_REQUEST');
  await rejects(consumer.poll(), 'INVALID_REQUEST', 'assign or subscribe');
  await rejects(consumer.subscribe(7), 'INVALID_REQUEST');
  await rejects(consumer.subscribe('x'), 'INVALID_CONFIG');
  await rejects(consumer.assign('x'), 'INVALID_REQUEST');
  await rejects(consumer.assign([null]), 'INVALID_REQUEST');
  await rejects(consumer.assign([{ topic: 'x', partition: -1 }]), 'INVALID_REQUEST');
  await rejects(consumer.assign([{ topic: '', partition: 0 }]), 'INVALID_TOPIC');
  await rejects(consumer.assign([{ topic: 'x', partition: 0, at: 'middle' }]), 'INVALID_REQUEST');
  await rejects(consumer.assign([{ topic: 'x', partition: 0, at: -1n }]), 'INVALID_REQUEST');
  throws(() => consumer.seek('x', 0, 2n ** 64n), 'INVALID_REQUEST');
  throws(() => consumer.accept(null), 'INVALID_REQUEST');
  throws(() => consumer.accept({}), 'INVALID_REQUEST');
  await rejects(consumer.committed(null, 0), 'INVALID_REQUEST');
  const admin = keep(new Admin(target));
  await rejects(admin.createTopic(null), 'INVALID_REQUEST');
  await rejects(admin.createTopic(''), 'INVALID_TOPIC');
  await rejects(admin.createTopic('x', { partitions: 0 }), 'INVALID_REQUEST');
  await rejects(admin.createTopic('x', { settings: { 'retention.ms': 'long' } }), 'INVALID_CONFIG');
  await rejects(admin.alterTopic('x', 7), 'INVALID_REQUEST');
  await rejects(admin.resetGroup('g', 'x', 'middle'), 'INVALID_REQUEST');
  throws(() => broker.fault({ at: 'Nothing', error: 'TIMEOUT' }), 'INVALID_REQUEST');
  throws(() => broker.fault({ at: 'Produce', error: 'NO_SUCH' }), 'INVALID_REQUEST');
  throws(() => broker.fault({ at: 'Produce' }), 'INVALID_REQUEST');
  throws(() => broker.fault({ at: 'Produce', nth: 0, error: 'TIMEOUT' }), 'INVALID_REQUEST');
  throws(() => broker.fault({ at: 'Produce', error: 'TIMEOUT', delay: 1 }), 'INVALID_REQUEST');
  throws(() => broker.fault({ at: 'Produce', error: 'TIMEOUT', when: 1 }), 'INVALID_REQUEST');
  await rejects(broker.advanceClock(-1), 'INVALID_REQUEST');
  await rejects(broker.advanceClock(Infinity), 'INVALID_REQUEST');
  await rejects(Broker.open({ noSuchThing: 1 }), 'INVALID_CONFIG', 'no.such.thing');
  await rejects(Broker.open({ numPartitions: 'many' }), 'INVALID_CONFIG', 'num.partitions');
  await rejects(Broker.open({ onAdmission: 'text' }), 'INVALID_REQUEST');
  await rejects(Broker.open(null), 'INVALID_REQUEST');
  throws(() => new Broker(), 'INVALID_REQUEST');
  throws(() => Broker.attach(-1), 'INVALID_REQUEST');
  throws(() => broker.events({ capacity: 0 }), 'INVALID_REQUEST');
  assert.equal((await producer.send({ topic: 'still', value: 'works' })).offset, 0n);
});

scenario('errors_are_the_same', {}, async ({ target, keep }) => {
  for (const { number, name, retriable } of ERRORS) {
    const kind = ERROR_KINDS.get(name);
    assert.deepEqual([name, kind?.number, kind?.retriable], [name, number, retriable]);
  }
  const admin = keep(new Admin(target));
  const error = await rejects(
    admin.deleteTopic('nowhere'),
    'UNKNOWN_TOPIC_OR_PARTITION',
    'nowhere',
  );
  assert.deepEqual(
    [error.name, error.number, error.retriable, error.fatal],
    ['MinkaError', 20, false, false],
  );
});

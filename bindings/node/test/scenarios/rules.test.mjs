import assert from 'node:assert/strict';
import {
  eventually,
  everything,
  fill,
  gather,
  member,
  minka,
  rejects,
  scenario,
  values,
} from '../support.mjs';

const { Admin, Consumer, Producer, Reject } = minka;

const admission = {
  onAdmission(record, peer) {
    assert.equal(record.offset, null);
    assert.equal(peer.clientId, 'shop');
    switch (record.value?.toString()) {
      case 'change':
        return { value: `${record.key} changed`, headers: [...record.headers, ['by', 'hook']] };
      case 'refuse':
        throw new Reject('no such customer');
      default:
        return undefined;
    }
  },
};

scenario('admission_changes_and_rejects', admission, async ({ target, keep }) => {
  const producer = keep(new Producer(target, { clientId: 'shop' }));
  const send = (value) =>
    producer.send({ topic: 'orders', key: 'a key', value, headers: { a: '1' } });
  await send('pass');
  await rejects(send('refuse'), 'INVALID_RECORD', 'no such customer');
  await send('change');
  const records = await everything(target, 'orders', 2);
  assert.deepEqual(values(records), ['pass', 'a key changed']);
  assert.equal(records[1].key.toString(), 'a key');
  assert.deepEqual(
    records[1].headers.map(([name]) => name),
    ['a', 'by'],
  );
});

const delivery = {
  onDelivery(record) {
    if (record.value.toString() === 'secret') throw new Reject('hidden');
    if (record.offset === 2n) return { value: '****' };
    return undefined;
  },
};

scenario('delivery_hides_and_changes', delivery, async ({ target }) => {
  await fill(target, 'cards', ['open', 'secret', 'masked', 'open']);
  const records = await everything(target, 'cards', 3);
  assert.deepEqual(values(records), ['open', '****', 'open']);
  assert.deepEqual(
    records.map(({ offset }) => offset),
    [0n, 2n, 3n],
  );
});

const authentication = {
  async onAuthentication({ user, password, address }) {
    assert.match(address, /^127\.0\.0\.1:/);
    await new Promise((resolve) => setImmediate(resolve));
    if (user !== 'anna' || password !== 'right') throw new Reject(`${user} may not come in`);
  },
};

scenario('authentication', authentication, async ({ target, keep }) => {
  const quick = { requestTimeoutMs: 2000, defaultApiTimeoutMs: 2000 };
  const admin = (password) =>
    keep(new Admin(target, { ...quick, saslUsername: 'anna', saslPassword: password }));
  assert.deepEqual(await admin('right').topics(), []);
  const refused = await admin('wrong')
    .topics()
    .catch((error) => error);
  assert.match(refused.message, /anna may not come in/);
  const stranger = keep(new Admin(target, quick));
  const unknown = await stranger.topics().catch((error) => error);
  assert.ok(unknown instanceof minka.MinkaError, `${unknown}`);
});

scenario('event_stream', {}, async ({ broker, target, keep }) => {
  const events = broker.events();
  const admin = keep(new Admin(target));
  await admin.createTopic('jobs', { partitions: 1 });
  await fill(target, 'jobs', ['poison']);
  const limits = { 'minka.dead.letter.enable': true };
  const consumer = keep(await member(target, 'jobs', { enableAutoCommit: false }, limits));
  consumer.reject((await gather(consumer, 1))[0]);
  await consumer.commit();
  const wanted = ['topicCreated', 'memberJoined', 'deadLettered'];
  const seen = [];
  while (seen.length < 3) {
    const event = await events.next();
    if (event.kind === wanted[seen.length]) seen.push(event);
  }
  const [created, joined, dead] = seen;
  assert.deepEqual([created.topic, created.partition], ['jobs', 1]);
  assert.equal(joined.group, 'workers');
  assert.deepEqual([dead.topic, dead.partition, dead.offset], ['jobs', 0, 0n]);
  assert.ok(seen.every(({ time }) => time > 1_600_000_000_000));
  await consumer.close();
  const rest = [];
  const taken = (async () => {
    for await (const event of events) rest.push(event.kind);
  })();
  await broker.close();
  await taken;
  assert.ok(rest.includes('memberLeft'), `${rest}`);
  assert.equal(rest.at(-1), 'closing');
});

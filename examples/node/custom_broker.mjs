// A broker with rules of its own: what may come in, what goes out, and who may connect.

import { Admin, Broker, Consumer, Producer, Reject } from 'minka';

/** Orders have keys, and get a stamp. */
function onAdmission(record) {
  if (record.key === null) throw new Reject('an order needs a key');
  return { headers: [...record.headers, ['stamped-by', 'custom_broker']] };
}

/** Nobody sees the number of a card. */
function onDelivery(record) {
  const [before, number] = record.value.toString().split('card ');
  return number === undefined
    ? undefined
    : { value: `${before}card ${number.replace(/\d/g, '*')}` };
}

/** May look into a database: whoever wants to come in waits. */
async function onAuthentication({ user, password }) {
  if (user !== 'shop' || password !== 'secret') throw new Reject('wrong password');
}

const broker = await Broker.open({
  kafka: '127.0.0.1:0',
  onAdmission,
  onDelivery,
  onAuthentication,
});
const address = broker.bootstrapServers;
const events = broker.events();
const shop = { saslUsername: 'shop', saslPassword: 'secret' };

const producer = new Producer(address, shop);
const order = { topic: 'orders', key: 'shop', value: 'order 1, card 4111111111111111' };
const receipt = await producer.send(order);
console.log(`sent: ${receipt.topic}/${receipt.partition}@${receipt.offset}`);
try {
  await producer.send({ topic: 'orders', value: 'order 2' });
} catch (error) {
  console.log(`refused: ${error.message}`);
}
await producer.close();

const consumer = new Consumer(address, shop);
await consumer.assign([{ topic: 'orders', partition: 0, at: 'earliest' }]);
for await (const record of consumer) {
  console.log(`received: ${record.value}`);
  console.log(`stamped by: ${new Map(record.headers).get('stamped-by')}`);
  break;
}
await consumer.close();

const stranger = new Admin(address, { saslUsername: 'shop', saslPassword: 'guess' });
await stranger.topics().catch((error) => console.log(`login refused: ${error.message}`));
await stranger.close();
await broker.close();

for await (const event of events) {
  if (event.kind === 'topicCreated') console.log(`event: topic created: ${event.topic}`);
  if (event.kind === 'loginRefused') console.log(`event: login refused: ${event.client}`);
}

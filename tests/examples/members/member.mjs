// A broker, a producer or a consumer in JavaScript, for tests with other languages.
//
// serve [SETTING=VALUE]...              a broker in memory; prints `ready HOST:PORT`
// produce ADDRESS TOPIC NAME COUNT      sends messages
// consume ADDRESS TOPIC GROUP KIND      prints `KEY VALUE` of each message in hexadecimal
//
// `serve` and `consume` end when their standard input does.

import { Broker, Consumer, Producer } from 'minka';

/** Resolves when standard input is at its end. */
async function inputEnds() {
  for await (const _ of process.stdin);
}

async function serve(...settings) {
  const byName = Object.fromEntries(settings.map((setting) => setting.split('=', 2)));
  const broker = await Broker.open({ ...byName, kafka: '127.0.0.1:0' });
  console.log('ready', broker.bootstrapServers);
  await inputEnds();
  await broker.close();
}

async function produce(address, topic, name, count) {
  const messages = Array.from({ length: Number(count) }, (_, number) => {
    const odd = Buffer.from([0, 255, (number % 9) + 1, 0xc3]);
    const value = Buffer.concat([Buffer.from(`${number} from ${name} `), odd]);
    return { topic, key: `${name}-${number}`, value };
  });
  const producer = new Producer(address);
  await producer.sendMany(messages);
  await producer.close();
}

async function consume(address, topic, group, kind) {
  const consumer = new Consumer(address, { groupId: group, groupType: kind, clientId: 'node' });
  await consumer.subscribe([topic]);
  inputEnds().then(() => consumer.wake());
  for await (const record of consumer) {
    console.log(record.key.toString('hex'), record.value.toString('hex'));
  }
  await consumer.close();
}

const [what, ...words] = process.argv.slice(2);
await { serve, produce, consume }[what](...words);

'use strict';

// A broker for tests: node:test, jest and vitest alike.

const { Admin, Broker } = require('./index.js');
const check = require('./check.js');

const SETTINGS = { kafka: '127.0.0.1:0' };

/** Opens a broker in memory for a function, and closes it behind it. */
async function withBroker(settings, body) {
  if (typeof settings === 'function') return withBroker({}, settings);
  const broker = await Broker.open({ ...SETTINGS, ...settings });
  try {
    return await body(broker);
  } finally {
    await broker.close();
  }
}

/** Has the tests of a file share a broker, without topics, groups or faults when one begins. */
function useBroker(hooks = globalThis, settings = {}) {
  const beforeAll = pick(hooks, 'beforeAll', 'before');
  const afterAll = pick(hooks, 'afterAll', 'after');
  const beforeEach = pick(hooks, 'beforeEach');
  let broker;
  beforeAll(async () => {
    broker = await Broker.open({ ...SETTINGS, ...settings });
  });
  beforeEach(() => clean(broker));
  afterAll(() => broker?.close());
  return {
    get broker() {
      return broker;
    },
    get bootstrapServers() {
      return broker.bootstrapServers;
    },
  };
}

/** Takes away topics, groups and faults. A group with members stays until they are gone. */
async function clean(broker) {
  broker.clearFaults();
  const admin = new Admin(broker);
  try {
    for (const { name } of await admin.groups()) {
      await admin.deleteGroup(name).catch((error) => {
        if (error.code !== 'NON_EMPTY_GROUP') throw error;
      });
    }
    for (const { name } of await admin.topics()) await admin.deleteTopic(name);
  } finally {
    await admin.close();
  }
}

function pick(hooks, ...names) {
  const name = names.find((one) => typeof hooks[one] === 'function');
  if (name === undefined) {
    throw check.wrong('the hooks of a test runner', `an object with ${names.join(' or ')}`, hooks);
  }
  return hooks[name].bind(hooks);
}

module.exports = { clean, useBroker, withBroker };

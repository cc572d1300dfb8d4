'use strict';

const check = require('./check.js');
const { MinkaError, later, now, settled } = require('./errors.js');
const { EventStream } = require('./events.js');
const { HOOKS, Hooks } = require('./hooks.js');
const native = require('./native.js');
const { pairs } = require('./settings.js');
const { NATIVE } = require('./target.js');

const IDLE_MS = 30_000;
const EVENTS_KEPT = 1024;
const U32_MAX = 2 ** 32 - 1;

/** Brokers that are open are kept, also where nobody refers to them: clients may. */
const open = new Set();

/** A broker in this process. Opened by `Broker.open`. */
class Broker {
  #native;
  #closing = undefined;

  constructor(opened) {
    if (!(opened instanceof native.NativeBroker)) {
      throw new MinkaError('a broker is opened by Broker.open(settings)', 'INVALID_REQUEST');
    }
    this.#native = opened;
  }

  /** Opens a broker. */
  static async open(settings = {}) {
    check.object(settings, 'settings');
    const { hookTimeoutMs, ...others } = settings;
    for (const name of HOOKS) delete others[name];
    if (hookTimeoutMs !== undefined) check.milliseconds(hookTimeoutMs, 'hookTimeoutMs');
    const hooks = new Hooks(settings);
    const which = hooks.which(hookTimeoutMs);
    const named = pairs(others);
    const opened = await later(() => native.NativeBroker.open(named, which, () => hooks.answer()));
    const broker = new Broker(opened);
    open.add(broker);
    broker.ref();
    hooks.native = opened;
    hooks.answer();
    return broker;
  }

  /** The broker of another thread of this process, by its `token`. */
  static attach(token) {
    check.integer(token, 'a token', 0, U32_MAX);
    return new Broker(now(() => native.NativeBroker.attach(token)));
  }

  get [NATIVE]() {
    this.#check();
    return this.#native;
  }

  /** What `Broker.attach` finds it by, in other worker threads. */
  get token() {
    return this.#native.token;
  }

  /** Where Kafka clients connect to; null without a Kafka door. */
  get bootstrapServers() {
    this.#check();
    return this.#native.bootstrapServers;
  }

  /** Opens the Kafka door of a broker that has none; resolves to the address. */
  async listen(address = '127.0.0.1:0') {
    this.#check();
    check.string(address, 'an address');
    return later(() => this.#native.listen(address));
  }

  /** Moves the broker's clock forward; resolves when all that was due has happened. */
  async advanceClock(ms) {
    this.#check();
    if (check.milliseconds(ms, 'a time') === Infinity) throw check.wrong('a time', 'finite', ms);
    return later(() => this.#native.advanceClock(ms));
  }

  /** Has a fault happen. */
  fault({ at, nth = 1, times = 1, error, delay, drop, ...others }) {
    this.#check();
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw new MinkaError(`a fault has no ${unknown}`, 'INVALID_REQUEST');
    check.string(at, 'at');
    check.integer(nth, 'nth', 1, Number.MAX_SAFE_INTEGER);
    if (times !== Infinity) check.integer(times, 'times', 1, Number.MAX_SAFE_INTEGER);
    if (delay !== undefined) check.milliseconds(delay, 'delay');
    const spec = { at, nth, times, error: error?.code ?? error, delayMs: delay, drop };
    now(() => this.#native.fault(spec));
  }

  /** Takes back all faults that are to come. */
  clearFaults() {
    this.#check();
    this.#native.clearFaults();
  }

  /** Ends all connections of the Kafka door; it goes on accepting new ones. */
  dropConnections() {
    this.#check();
    this.#native.dropConnections();
  }

  /** Copies what the broker holds into a directory, which must be empty or absent. */
  async snapshot(directory) {
    this.#check();
    check.string(directory, 'a directory');
    return later(() => this.#native.snapshot(directory));
  }

  /** Waits until the lag of a group, or of all groups, is zero. */
  async waitUntilIdle({ group, timeout = IDLE_MS } = {}) {
    this.#check();
    if (group !== undefined) check.string(group, 'a group');
    check.milliseconds(timeout, 'a timeout');
    return later(() => this.#native.waitUntilIdle(group, timeout));
  }

  /** The events from now on. */
  events({ capacity = EVENTS_KEPT } = {}) {
    this.#check();
    check.integer(capacity, 'a capacity', 1, U32_MAX);
    return new EventStream(this.#native.events(capacity));
  }

  /** Has the process go on as long as the broker is open, as it does from the start. */
  ref() {
    if (this.#closing === undefined) this.#native.holdLoop(true);
    return this;
  }

  /** Lets the process end although the broker is open. */
  unref() {
    this.#native.holdLoop(false);
    return this;
  }

  /** Closes the doors, then the broker. */
  close() {
    if (this.#closing !== undefined) return settled(this.#closing);
    this.#closing = later(() => this.#native.close()).finally(() => open.delete(this));
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  #check() {
    if (this.#closing !== undefined) throw new MinkaError('the broker has been closed', 'CLOSED');
  }
}

module.exports = { Broker };

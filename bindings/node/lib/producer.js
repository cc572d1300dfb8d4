'use strict';

const check = require('./check.js');
const { MinkaError, later, now, settled } = require('./errors.js');
const { Encoder } = require('./messages.js');
const native = require('./native.js');
const { UNKNOWN } = require('./record.js');
const { pairs } = require('./settings.js');
const { target } = require('./target.js');

const ROW_BYTES = 40;
/** Messages that are sent together cross in pieces of this size, so that the first leave early. */
const PIECE_BYTES = 128 * 1024;
const BATCH_MAX = 2 ** 32;
const CLOSE_MS = 30_000;

/** Where a record ended up. */
class Receipt {
  constructor(topic, partition, offset, id, timestamp) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.id = id;
    this.timestamp = timestamp;
  }
}

/** Messages that cross together, and who waits for each. */
class Single {
  topics = [];
  waiting = [];

  topic(index) {
    return this.topics[index];
  }

  settle(index, result) {
    const { resolve, reject } = this.waiting[index];
    if (result instanceof MinkaError) reject(result);
    else resolve(result);
  }
}

/** Messages of one call, of which all together are waited for. */
class Many {
  constructor(messages) {
    this.messages = messages;
    this.results = new Array(messages.length);
    this.left = messages.length;
    this.failed = undefined;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  settle(index, result) {
    this.results[index] = result;
    if (result instanceof MinkaError) this.failed ??= result;
    this.left -= 1;
    if (this.left > 0) return;
    if (this.failed === undefined) return this.resolve(this.results);
    const { message, code } = this.failed;
    const error = new MinkaError(message, code, { cause: this.failed });
    Object.defineProperty(error, 'results', { value: this.results });
    this.reject(error);
  }
}

/** A piece of the messages of one call. */
class Piece {
  constructor(many, first) {
    this.many = many;
    this.first = first;
  }

  topic(index) {
    return this.many.messages[this.first + index].topic;
  }

  settle(index, result) {
    this.many.settle(this.first + index, result);
  }
}

/** Sends records. */
class Producer {
  #native;
  #encoder = new Encoder();
  #gathered = new Single();
  /** The batches of which not everything is known, with how much that is. */
  #batches = new Map();
  #lastBatch = 0;
  #closing = undefined;

  constructor(to, settings = {}) {
    const [broker, address] = target(to);
    const named = pairs(settings);
    this.#native = now(
      () => new native.NativeProducer(broker, address, named, () => this.#settle()),
    );
  }

  /** Sends a record; resolves when it is acknowledged. */
  async send(message) {
    this.#check();
    const promise = new Promise((resolve, reject) => {
      this.#encoder.add(message);
      this.#gathered.topics.push(message.topic);
      this.#gathered.waiting.push({ resolve, reject });
    });
    if (this.#encoder.count === 1) queueMicrotask(() => this.#cross());
    else if (this.#encoder.length >= PIECE_BYTES) this.#cross();
    return promise;
  }

  /** Sends records; resolves when all are acknowledged, with a receipt of each. */
  async sendMany(messages) {
    this.#check();
    if (!Array.isArray(messages)) throw check.wrong('messages', 'an array', messages);
    if (messages.length === 0) return [];
    this.#cross();
    const encoder = new Encoder();
    const many = new Many(messages.slice());
    // All are looked at before the first is sent.
    const pieces = [];
    let first = 0;
    for (let next = 0; next < messages.length; next += 1) {
      encoder.add(messages[next]);
      if (encoder.length < PIECE_BYTES && next < messages.length - 1) continue;
      const [count, topics, bytes] = encoder.take();
      pieces.push([new Piece(many, first), count, topics, Buffer.from(bytes)]);
      first = next + 1;
    }
    for (const [piece, count, topics, bytes] of pieces) this.#give(piece, count, topics, bytes);
    return many.promise;
  }

  /** Waits until everything that was sent before is acknowledged or has failed. */
  async flush(timeoutMs = Infinity) {
    this.#check();
    check.milliseconds(timeoutMs, 'a timeout');
    this.#cross();
    return later(() => this.#native.flush(timeoutMs));
  }

  /** Takes no more records, waits for what was sent, and ends. */
  close(timeoutMs = CLOSE_MS) {
    if (this.#closing !== undefined) return settled(this.#closing);
    this.#closing = this.#close(timeoutMs);
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  async #close(timeoutMs) {
    check.milliseconds(timeoutMs, 'a timeout');
    this.#cross();
    try {
      await later(() => this.#native.close(timeoutMs));
    } finally {
      this.#settle();
      this.#native.release();
    }
  }

  #check() {
    if (this.#closing !== undefined) throw new MinkaError('the producer has been closed', 'CLOSED');
  }

  /** Hands over what was gathered. */
  #cross() {
    if (this.#encoder.count === 0) return;
    const single = this.#gathered;
    this.#gathered = new Single();
    this.#give(single, ...this.#encoder.take());
  }

  #give(batch, count, topics, bytes) {
    if (this.#batches.size === 0) this.#native.holdLoop(true);
    this.#lastBatch = (this.#lastBatch + 1) % BATCH_MAX;
    const number = this.#lastBatch;
    this.#batches.set(number, { batch, left: count });
    try {
      now(() => this.#native.send(number, count, topics, bytes));
    } catch (error) {
      for (let index = 0; index < count; index += 1) this.#tell(number, index, error);
    }
  }

  /** Tells what became of messages. */
  #settle() {
    for (let settled = this.#native.takeSettled(); settled !== null; settled = this.#native.takeSettled()) {
      const { rows, errors } = settled;
      const longs = new BigUint64Array(rows.buffer, rows.byteOffset, rows.length / 8);
      const times = new Float64Array(rows.buffer, rows.byteOffset, rows.length / 8);
      const words = new Uint32Array(rows.buffer, rows.byteOffset, rows.length / 4);
      for (let row = 0; row < rows.length / ROW_BYTES; row += 1) {
        const number = words[10 * row + 6];
        const index = words[10 * row + 7];
        const error = words[10 * row + 9];
        const result = error === 0
          ? new Receipt(
            this.#batches.get(number).batch.topic(index),
            words[10 * row + 8],
            known(longs[5 * row]),
            known(longs[5 * row + 1]),
            times[5 * row + 2],
          )
          : new MinkaError(errors[error - 1][1], errors[error - 1][0]);
        this.#tell(number, index, result);
      }
    }
  }

  #tell(number, index, result) {
    const entry = this.#batches.get(number);
    entry.left -= 1;
    if (entry.left === 0) this.#batches.delete(number);
    if (this.#batches.size === 0) this.#native.holdLoop(false);
    entry.batch.settle(index, result);
  }
}

function known(value) {
  return value === UNKNOWN ? null : value;
}

module.exports = { Producer, Receipt };

'use strict';

const check = require('./check.js');
const { MinkaError, later, now, settled } = require('./errors.js');
const { Encoder } = require('./messages.js');
const native = require('./native.js');
const { pairs } = require('./settings.js');
const { target } = require('./target.js');

const ROW_WORDS = 10;
const UNKNOWN = 2 ** 32 - 1;
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
  isWhole = false;
  topics = [];
  waiting = [];

  topic(index) {
    return this.topics[index];
  }

  fulfil(index, receipt) {
    this.waiting[index].resolve(receipt);
  }

  fail(index, error) {
    this.waiting[index].reject(error);
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
    this.left -= 1;
    if (this.left === 0) this.#finish();
  }

  #finish() {
    if (this.failed === undefined) return this.resolve(this.results);
    const { message, code } = this.failed;
    const error = new MinkaError(message, code, { cause: this.failed });
    Object.defineProperty(error, 'results', { value: this.results });
    this.reject(error);
  }
}

/** A piece of the messages of one call. */
class Piece {
  isWhole = true;

  constructor(many, first) {
    this.many = many;
    this.first = first;
  }

  topic(index) {
    return this.many.messages[this.first + index].topic;
  }

  fulfil(index, receipt) {
    this.many.settle(this.first + index, receipt);
  }

  fail(index, error) {
    this.many.failed ??= error;
    this.many.settle(this.first + index, error);
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
      while (this.#settle());
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
    try {
      now(() => this.#native.send(number, batch.isWhole, count, topics, bytes));
      this.#batches.set(number, { batch, left: count });
    } catch (error) {
      for (let index = 0; index < count; index += 1) batch.fail(index, error);
      this.#rest();
    }
  }

  /** Tells what became of messages; whether there was anything to tell. */
  #settle() {
    const settled = this.#native.takeSettled();
    if (settled === null) return false;
    const { rows, errors } = settled;
    const longs = new BigUint64Array(rows.buffer, rows.byteOffset, rows.length / 8);
    const times = new Float64Array(rows.buffer, rows.byteOffset, rows.length / 8);
    const words = new Uint32Array(rows.buffer, rows.byteOffset, rows.length / 4);
    let number;
    let entry;
    for (let word = 0; word < words.length; word += ROW_WORDS) {
      if (words[word + 6] !== number) {
        number = words[word + 6];
        entry = this.#batches.get(number);
      }
      const { batch } = entry;
      const index = words[word + 7];
      const error = words[word + 9];
      if (error === 0) {
        const long = word / 2;
        // What is not known has all bits set; no offset has the highest.
        const offset = words[word + 1] === UNKNOWN ? null : longs[long];
        const id = words[word + 3] === UNKNOWN ? null : longs[long + 1];
        batch.fulfil(
          index,
          new Receipt(batch.topic(index), words[word + 8], offset, id, times[long + 2]),
        );
      } else {
        const [code, message] = errors[error - 1];
        batch.fail(index, new MinkaError(message, code));
      }
      entry.left -= 1;
      if (entry.left === 0) this.#batches.delete(number);
    }
    this.#rest();
    return true;
  }

  /** Lets the process end when nothing is waited for. */
  #rest() {
    if (this.#batches.size === 0) this.#native.holdLoop(false);
  }
}

module.exports = { Producer, Receipt };

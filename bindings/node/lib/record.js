'use strict';

// Records of a poll, read where they lie; src/packed.rs says how.

const { inspect } = require('node:util');

const ROW_WORDS = 14;
const UNKNOWN = 2n ** 64n - 1n;

/** The memory that the records of a poll share. */
class Batch {
  constructor({ count, bytes, topics }) {
    this.count = count;
    this.bytes = bytes;
    this.topics = topics;
    const words = count * ROW_WORDS;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, words);
    this.lengths = new Int32Array(bytes.buffer, bytes.byteOffset, words);
    this.times = new Float64Array(bytes.buffer, bytes.byteOffset, words / 2);
    this.offsets = new BigUint64Array(bytes.buffer, bytes.byteOffset, words / 2);
  }

  field(word) {
    const length = this.lengths[word + 1];
    if (length < 0) return null;
    const at = this.words[word];
    return this.bytes.subarray(at, at + length);
  }

  headers(word) {
    const headers = [];
    let at = this.words[word];
    for (let left = this.words[word + 1]; left > 0; left -= 1) {
      const keyLength = this.bytes.readInt32LE(at);
      const valueLength = this.bytes.readInt32LE(at + 4);
      const key = this.bytes.toString('utf8', at + 8, at + 8 + keyLength);
      at += 8 + keyLength;
      const end = at + Math.max(valueLength, 0);
      headers.push([key, valueLength < 0 ? null : this.bytes.subarray(at, end)]);
      at = end;
    }
    return headers;
  }
}

/** What records have in common that a poll returned and that a hook looks at. */
class Fields {
  #batch;
  #word;

  constructor(batch, index) {
    this.#batch = batch;
    this.#word = index * ROW_WORDS;
  }

  get topic() {
    return this.#batch.topics[this.#batch.words[this.#word + 10]];
  }

  get partition() {
    return this.#batch.words[this.#word + 11];
  }

  get offset() {
    return this.#batch.offsets[this.#word / 2];
  }

  get timestamp() {
    return this.#batch.times[this.#word / 2 + 1];
  }

  get key() {
    return this.#batch.field(this.#word + 6);
  }

  get value() {
    return this.#batch.field(this.#word + 4);
  }

  get headers() {
    return this.#batch.headers(this.#word + 8);
  }

  [inspect.custom](depth, options, show) {
    const { topic, partition, offset, timestamp, key, value, headers } = this;
    const shown = { topic, partition, offset, timestamp, key, value, headers };
    return `${this.constructor.name} ${show(shown, options)}`;
  }

  static deliveryCount(record) {
    return record.#batch.words[record.#word + 12];
  }
}

/** A record that a poll returned. */
class Record extends Fields {
  get deliveryCount() {
    return Fields.deliveryCount(this);
  }
}

/** A record that a hook looks at. */
class PassingRecord extends Fields {
  get offset() {
    const offset = super.offset;
    return offset === UNKNOWN ? null : offset;
  }
}

/** The records of a poll. */
function records(polled) {
  const batch = new Batch(polled);
  return Array.from({ length: batch.count }, (_, index) => new Record(batch, index));
}

function passing(polled) {
  return new PassingRecord(new Batch(polled), 0);
}

module.exports = { PassingRecord, Record, UNKNOWN, passing, records };

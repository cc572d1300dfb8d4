'use strict';

// Messages in one piece of memory; src/messages.rs says how they lie there.

const { isUint8Array } = require('node:util/types');
const check = require('./check.js');
const { invalid } = require('./errors.js');

const FIRST_BYTES = 16 * 1024;
/** Memory beyond this is given back after use. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** Up to this length a loop is faster than a call. */
const SHORT = 32;

class Encoder {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;
  #numbers = new Map();
  topics = [];
  count = 0;

  get length() {
    return this.#length;
  }

  /** Adds a message, or throws and leaves everything as it was. */
  add(message) {
    const start = this.#length;
    try {
      check.object(message, 'a message');
      const { partition, timestamp, headers } = message;
      this.#room(24);
      this.#u32(this.#number(message.topic));
      this.#i32(partition === undefined || partition === null ? -1 : check.partition(partition));
      const time = timestamp === undefined || timestamp === null ? NaN : check.timestamp(timestamp);
      this.#length = this.#buffer.writeDoubleLE(time, this.#length);
      this.#field(message.key ?? null, 'a key');
      if (message.value === undefined) throw invalid('a message has a value; null is a tombstone');
      this.#field(message.value, 'a value');
      if (headers === undefined || headers === null) {
        this.#room(4);
        this.#u32(0);
      } else {
        this.#headers(headers);
      }
    } catch (error) {
      this.#length = start;
      throw error;
    }
    this.count += 1;
  }

  /** The messages, valid until the next is added. */
  take() {
    const taken = [this.count, this.topics, this.#buffer.subarray(0, this.#length)];
    this.topics = [];
    this.#numbers.clear();
    this.count = 0;
    this.#length = 0;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
    return taken;
  }

  #number(topic) {
    let number = this.#numbers.get(topic);
    if (number === undefined) {
      number = this.topics.push(check.string(topic, 'a topic')) - 1;
      this.#numbers.set(topic, number);
    }
    return number;
  }

  #headers(headers) {
    check.object(headers, 'headers');
    const entries = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
    this.#room(4);
    this.#u32(entries.length);
    for (const entry of entries) {
      if (!Array.isArray(entry) || entry.length !== 2) {
        throw check.wrong('a header', 'a pair of a name and a value', entry);
      }
      this.#field(check.string(entry[0], 'the name of a header'), 'the name of a header');
      this.#field(entry[1], 'the value of a header');
    }
  }

  #field(value, what) {
    if (typeof value === 'string') {
      this.#string(value);
    } else if (value === null) {
      this.#room(4);
      this.#i32(-1);
    } else if (ArrayBuffer.isView(value)) {
      this.#bytes(isUint8Array(value) ? value : bytesOf(value));
    } else {
      throw check.wrong(what, 'a Buffer, a string or null', value);
    }
  }

  #string(text) {
    this.#room(4 + 3 * text.length);
    const buffer = this.#buffer;
    const start = this.#length + 4;
    let at = start;
    if (text.length <= SHORT) {
      for (let i = 0; i < text.length; i += 1) {
        const unit = text.charCodeAt(i);
        if (unit > 0x7f) {
          at = start + buffer.write(text, start);
          break;
        }
        buffer[at++] = unit;
      }
    } else {
      at += buffer.write(text, at);
    }
    this.#i32(at - start);
    this.#length = at;
  }

  #bytes(bytes) {
    const { length } = bytes;
    this.#room(4 + length);
    this.#i32(length);
    const at = this.#length;
    if (length <= SHORT) {
      const buffer = this.#buffer;
      for (let i = 0; i < length; i += 1) buffer[at + i] = bytes[i];
    } else {
      this.#buffer.set(bytes, at);
    }
    this.#length = at + length;
  }

  #u32(value) {
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  #i32(value) {
    this.#length = this.#buffer.writeInt32LE(value, this.#length);
  }

  #room(bytes) {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

function bytesOf(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

module.exports = { Encoder };

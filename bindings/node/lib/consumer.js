'use strict';

const check = require('./check.js');
const { later, now, settled } = require('./errors.js');
const native = require('./native.js');
const { records } = require('./record.js');
const { pairs } = require('./settings.js');
const { target } = require('./target.js');

const POLL_MS = 1000;

/** Reads partitions by hand, or as a member of a group. One call at a time. */
class Consumer {
  #native;
  /** What a `for await` has been given and not handed on. */
  #left = [];
  #closing = undefined;

  constructor(from, settings = {}) {
    const [broker, address] = target(from);
    const named = pairs(settings);
    this.#native = now(() => new native.NativeConsumer(broker, address, named));
  }

  /** Joins the group, to read these topics with its other members. */
  async subscribe(topics) {
    const names = check.strings(topics, 'a topic');
    await later(() => this.#native.subscribe(names));
    this.#left = [];
  }

  /** Reads these partitions instead of those before. */
  async assign(partitions) {
    if (!Array.isArray(partitions)) throw check.wrong('partitions', 'an array', partitions);
    const assigned = partitions.map((one) => ({
      topic: check.string(check.object(one, 'a partition').topic, 'a topic'),
      partition: check.partition(one.partition),
      at: check.place(one.at ?? 'earliest'),
    }));
    await later(() => this.#native.assign(assigned));
    this.#left = [];
  }

  /** Waits for records; none when the time is up. */
  async poll(timeoutMs = POLL_MS) {
    check.milliseconds(timeoutMs, 'a timeout');
    return records(await later(() => this.#native.poll(timeoutMs)));
  }

  /** Says that what was returned is done, and waits until the broker has that. */
  async commit() {
    // What a loop has not handed on is not done.
    this.#giveBack();
    await later(() => this.#native.commit());
  }

  /** The position that the group has committed for a partition; null if it has none. */
  async committed(topic, partition) {
    check.string(topic, 'a topic');
    check.partition(partition);
    return later(() => this.#native.committed(topic, partition));
  }

  /** The message has been dealt with. */
  accept(record) {
    this.#acknowledge(record, 'accept');
  }

  /** The message is delivered again, to any member. */
  release(record) {
    this.#acknowledge(record, 'release');
  }

  /** The message cannot be dealt with: no member gets it again. */
  reject(record) {
    this.#acknowledge(record, 'reject');
  }

  /** The message takes longer: its lock begins anew. */
  renew(record) {
    this.#acknowledge(record, 'renew');
  }

  /** How many acknowledgements came too late. */
  get acknowledgedTooLate() {
    return now(() => this.#native.acknowledgedTooLate());
  }

  /** Goes on at another place in a partition. */
  seek(topic, partition, at) {
    check.string(topic, 'a topic');
    check.partition(partition);
    const place = check.place(at);
    now(() => this.#native.seek(topic, partition, place));
    this.#left = this.#left.filter((one) => one.topic !== topic || one.partition !== partition);
  }

  /** Returns no more records of a partition until `resume`. */
  pause(topic, partition) {
    check.string(topic, 'a topic');
    check.partition(partition);
    now(() => this.#native.pause(topic, partition));
  }

  /** Goes on with a partition where it was paused. */
  resume(topic, partition) {
    check.string(topic, 'a topic');
    check.partition(partition);
    now(() => this.#native.resume(topic, partition));
  }

  /** The offset of the next record of a partition; null until the broker has said where it is. */
  position(topic, partition) {
    check.string(topic, 'a topic');
    check.partition(partition);
    const next = this.#left.find((one) => one.topic === topic && one.partition === partition);
    return next?.offset ?? now(() => this.#native.position(topic, partition));
  }

  /** The partitions that are read at present. */
  assignment() {
    return now(() => this.#native.assignment());
  }

  /** Ends the poll that waits, or the next one, with INTERRUPTED; a `for await` just ends. */
  wake() {
    this.#native.wake();
  }

  /** Ends the consumer, and the call that is under way. */
  close() {
    if (this.#closing !== undefined) return settled(this.#closing);
    this.#closing = this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  /** The records, one by one, until the consumer is closed or woken. */
  async *[Symbol.asyncIterator]() {
    for (;;) {
      try {
        this.#left = await this.poll(Infinity);
      } catch (error) {
        if (error.code === 'INTERRUPTED') return;
        if (error.code === 'CLOSED' && this.#closing !== undefined) return;
        throw error;
      }
      try {
        while (this.#left.length > 0) yield this.#left.shift();
      } finally {
        this.#giveBack();
      }
    }
  }

  async #close() {
    this.#giveBack();
    await later(() => this.#native.close());
  }

  /** Has records returned again, here or to another member. */
  #giveBack() {
    const left = this.#left;
    this.#left = [];
    const begun = new Set();
    for (const { topic, partition, offset } of left) {
      const name = `${partition} ${topic}`;
      if (begun.has(name)) continue;
      try {
        this.#native.acknowledge(topic, partition, offset, 'release');
      } catch (error) {
        // Not a queue group: its partitions go on with the first that is left.
        if (error.code !== 'INVALID_REQUEST') continue;
        begun.add(name);
        try {
          this.#native.seek(topic, partition, `offset:${offset}`);
        } catch {
          // The partition is another member's by now, which begins at what is committed.
        }
      }
    }
  }

  #acknowledge(record, what) {
    const { topic, partition, offset } = check.object(record, 'a record');
    check.string(topic, 'a topic');
    check.partition(partition);
    const at = check.offset(offset);
    now(() => this.#native.acknowledge(topic, partition, at, what));
  }
}

module.exports = { Consumer };

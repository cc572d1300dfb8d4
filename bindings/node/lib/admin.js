'use strict';

const check = require('./check.js');
const { later, now, settled } = require('./errors.js');
const native = require('./native.js');
const { changes, pairs } = require('./settings.js');
const { target } = require('./target.js');

const PARTITIONS_MAX = 2 ** 31 - 1;

/** Creates, describes, changes and deletes topics and groups. */
class Admin {
  #native;
  #closing = undefined;

  constructor(of, settings = {}) {
    const [broker, address] = target(of);
    const named = pairs(settings);
    this.#native = now(() => new native.NativeAdmin(broker, address, named));
  }

  /** Creates a topic. */
  async createTopic(name, { partitions, settings = {} } = {}) {
    check.string(name, 'a topic');
    if (partitions !== undefined) check.integer(partitions, 'partitions', 1, PARTITIONS_MAX);
    const named = pairs(settings);
    return later(() => this.#native.createTopic(name, partitions, named));
  }

  /** Deletes a topic with its records. */
  async deleteTopic(name) {
    check.string(name, 'a topic');
    return later(() => this.#native.deleteTopic(name));
  }

  /** All topics, by name in order. */
  async topics() {
    return later(() => this.#native.topics());
  }

  /** A topic with its partitions and settings. */
  async describeTopic(name) {
    check.string(name, 'a topic');
    return later(() => this.#native.describeTopic(name));
  }

  /** Gives a topic more partitions: `count` is how many it then has. */
  async addPartitions(name, count) {
    check.string(name, 'a topic');
    check.integer(count, 'a number of partitions', 1, PARTITIONS_MAX);
    return later(() => this.#native.addPartitions(name, count));
  }

  /** Changes settings of a topic, all or none; null goes back to the default. */
  async alterTopic(name, settings) {
    check.string(name, 'a topic');
    const [set, back] = changes(settings);
    return later(() => this.#native.alterTopic(name, set, back));
  }

  /** All groups, by name in order. */
  async groups() {
    return later(() => this.#native.groups());
  }

  /** A group with its members and where it is. */
  async describeGroup(name) {
    check.string(name, 'a group');
    return later(() => this.#native.describeGroup(name));
  }

  /** Has a group without members go on elsewhere in a topic. */
  async resetGroup(name, topic, to) {
    check.string(name, 'a group');
    check.string(topic, 'a topic');
    const place = check.place(to);
    return later(() => this.#native.resetGroup(name, topic, place));
  }

  /** Changes settings of a group, all or none; null goes back to the default. */
  async alterGroup(name, settings) {
    check.string(name, 'a group');
    const [set, back] = changes(settings);
    return later(() => this.#native.alterGroup(name, set, back));
  }

  /** Deletes a group that has no members, with what it has committed. */
  async deleteGroup(name) {
    check.string(name, 'a group');
    return later(() => this.#native.deleteGroup(name));
  }

  /** The cluster and its brokers. */
  async cluster() {
    return later(() => this.#native.cluster());
  }

  /** Ends it, and the calls that are under way. */
  close() {
    if (this.#closing !== undefined) return settled(this.#closing);
    this.#closing = later(() => this.#native.close());
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }
}

module.exports = { Admin };

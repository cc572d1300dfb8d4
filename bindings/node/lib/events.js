'use strict';

const { MinkaError, later, settled } = require('./errors.js');

/** What happens in a broker, from when this was made. */
class EventStream {
  #native;
  #ready = [];
  #closing = undefined;

  constructor(native) {
    this.#native = native;
  }

  /** The next event; null after the last. */
  async next() {
    if (this.#closing !== undefined) {
      throw new MinkaError('the event stream has been closed', 'CLOSED');
    }
    while (this.#ready.length === 0) {
      const events = await later(() => this.#native.next());
      if (events.length === 0) return null;
      this.#ready.push(...events);
    }
    return this.#ready.shift();
  }

  /** Ends it, and the call that is under way. */
  close() {
    if (this.#closing !== undefined) return settled(this.#closing);
    this.#closing = later(() => this.#native.close());
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  /** The events, one by one, until the stream or the broker is closed. */
  async *[Symbol.asyncIterator]() {
    try {
      for (;;) {
        const event = await this.next();
        if (event === null) return;
        yield event;
      }
    } catch (error) {
      if (error.code !== 'CLOSED') throw error;
    } finally {
      await this.close();
    }
  }
}

module.exports = { EventStream };

'use strict';

const { isNativeError } = require('node:util/types');
const native = require('./native.js');

const kinds = new Map(native.errorKinds().map((kind) => [kind.name, Object.freeze(kind)]));

/** An error of minka: `code` is what programs look at, `message` is for people. */
class MinkaError extends Error {
  constructor(message, code = 'INTERNAL', options = undefined) {
    super(message, options);
    const kind = kinds.get(code) ?? kinds.get('INTERNAL');
    this.code = kind.name;
    this.number = kind.number;
    this.retriable = kind.retriable;
    this.fatal = kind.fatal;
  }
}
Object.defineProperty(MinkaError.prototype, 'name', { value: 'MinkaError', configurable: true });

/** Thrown by a hook to refuse a record, or a client; the message is the reason that it is told. */
class Reject extends Error {}
Object.defineProperty(Reject.prototype, 'name', { value: 'Reject', configurable: true });

/** What the native part threw, as an error with a stack of the caller's. */
function translated(error) {
  // Jest gives modules another Error than the native part has.
  if (error instanceof MinkaError || !isNativeError(error)) return error;
  // What is none of minka's kinds comes from the conversion of an argument.
  return new MinkaError(error.message, kinds.has(error.code) ? error.code : 'INVALID_REQUEST');
}

/** Makes a native call that answers at once. */
function now(call) {
  try {
    return call();
  } catch (error) {
    throw translated(error);
  }
}

/** Makes a native call that answers with a promise. */
async function later(call) {
  try {
    return await call();
  } catch (error) {
    throw translated(error);
  }
}

/** What closing again waits for: it does nothing, so it does not fail. */
function settled(promise) {
  return promise.then(
    () => {},
    () => {},
  );
}

function invalid(message) {
  return new MinkaError(message, 'INVALID_REQUEST');
}

module.exports = { MinkaError, Reject, ERROR_KINDS: kinds, invalid, later, now, settled };

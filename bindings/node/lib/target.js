'use strict';

const { wrong } = require('./check.js');

/** Where the native part of a broker is found, also by another copy of this module. */
const NATIVE = Symbol.for('minka.native');

/** What a client is opened on, as the native part takes it. */
function target(value) {
  if (typeof value === 'string') return [undefined, value];
  const native = typeof value === 'object' && value !== null ? value[NATIVE] : undefined;
  if (native === undefined) throw wrong('a target', "a Broker or an address as 'host:port'", value);
  return [native, ''];
}

// Node.js 20 has had it since its first minor versions; the syntax compiles down to this symbol.
if (Symbol.asyncDispose === undefined) {
  Object.defineProperty(Symbol, 'asyncDispose', { value: Symbol('Symbol.asyncDispose') });
}

module.exports = { NATIVE, target };

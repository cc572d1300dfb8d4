'use strict';

// What the functions of this package accept. Everything else is INVALID_REQUEST, with a sentence.

const { inspect } = require('node:util');
const { isDate } = require('node:util/types');
const { invalid } = require('./errors.js');

const PARTITION_MAX = 2 ** 31 - 1;
const OFFSET_MAX = 2n ** 63n - 1n;

function wrong(what, wanted, value) {
  return invalid(`${what} must be ${wanted}, not ${inspect(value, { depth: 0 })}`);
}

function string(value, what) {
  if (typeof value !== 'string') throw wrong(what, 'a string', value);
  if (!value.isWellFormed()) throw invalid(`${what} is not well-formed Unicode`);
  return value;
}

function strings(value, what) {
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list)) throw wrong(what, 'a string or an array of strings', value);
  return list.map((one) => string(one, what));
}

function object(value, what) {
  if (typeof value !== 'object' || value === null) throw wrong(what, 'an object', value);
  return value;
}

function integer(value, what, min, max) {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw wrong(what, `a whole number from ${min} to ${max}`, value);
  }
  return value;
}

function partition(value) {
  return integer(value, 'a partition', 0, PARTITION_MAX);
}

/** A time in ms; Infinity is for ever. */
function milliseconds(value, what) {
  if (typeof value !== 'number' || !(value >= 0)) {
    throw wrong(what, 'a number of milliseconds that is not negative', value);
  }
  return value;
}

function offset(value) {
  const number = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof number !== 'bigint' || number < 0n || number > OFFSET_MAX) {
    throw wrong('an offset', 'a bigint from 0 to 2^63-1', value);
  }
  return number;
}

function timestamp(value) {
  const time = isDate(value) ? value.getTime() : value;
  if (!Number.isSafeInteger(time)) {
    throw wrong('a timestamp', 'a whole number of milliseconds since 1970, or a Date', value);
  }
  return time;
}

/** A place in a partition, as the native part reads it. */
function place(value) {
  if (value === 'earliest' || value === 'latest') return value;
  if (typeof value === 'bigint' || typeof value === 'number') return `offset:${offset(value)}`;
  if (isDate(value)) return `time:${timestamp(value)}`;
  if (typeof value === 'object' && value !== null && 'time' in value) {
    return `time:${timestamp(value.time)}`;
  }
  throw wrong('a place', "'earliest', 'latest', an offset, a Date or { time: ms }", value);
}

module.exports = {
  integer,
  milliseconds,
  object,
  offset,
  partition,
  place,
  string,
  strings,
  timestamp,
  wrong,
};

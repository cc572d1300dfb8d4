'use strict';

const { inspect } = require('node:util');
const check = require('./check.js');
const { MinkaError } = require('./errors.js');

/** The names that are not words with dots between them. */
const DASHED = new Map([
  ['logLevel', 'log-level'],
  ['copyOf', 'copy-of'],
]);

/** The name of a setting: `num.partitions` for `numPartitions`; one with dots stays as it is. */
function settingName(key) {
  return DASHED.get(key) ?? key.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`);
}

function settingValue(name, value) {
  switch (typeof value) {
    case 'string':
      return check.string(value, name);
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      throw new MinkaError(
        `${name} must be a string, a number or a boolean, not ${inspect(value, { depth: 0 })}`,
        'INVALID_CONFIG',
      );
  }
}

/** Settings as the native part takes them: names and values in turn. */
function pairs(settings) {
  const flat = [];
  for (const [key, value] of Object.entries(check.object(settings, 'settings'))) {
    if (value === undefined) continue;
    const name = settingName(key);
    flat.push(name, settingValue(name, value));
  }
  return flat;
}

/** Changes of settings: those to set, and those that go back to their default. */
function changes(settings) {
  const entries = Object.entries(check.object(settings, 'settings'));
  const back = entries.filter(([, value]) => value === null).map(([key]) => settingName(key));
  return [pairs(Object.fromEntries(entries.filter(([, value]) => value !== null))), back];
}

module.exports = { changes, pairs, settingName };

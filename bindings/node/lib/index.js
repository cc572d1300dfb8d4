'use strict';

const { Admin } = require('./admin.js');
const { Broker } = require('./broker.js');
const { Consumer } = require('./consumer.js');
const { ERROR_KINDS, MinkaError, Reject } = require('./errors.js');
const { EventStream } = require('./events.js');
const { Producer, Receipt } = require('./producer.js');
const { Record } = require('./record.js');

module.exports = {
  Admin,
  Broker,
  Consumer,
  ERROR_KINDS,
  EventStream,
  MinkaError,
  Producer,
  Receipt,
  Record,
  Reject,
};

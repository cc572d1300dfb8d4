'use strict';

// The native part, and what the rest calls it by.

/** @type {typeof import('./native')} */
module.exports = require('../minka.node');

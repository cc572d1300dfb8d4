'use strict';

const { wrong } = require('./check.js');
const { Reject, invalid } = require('./errors.js');
const { Encoder } = require('./messages.js');
const { passing } = require('./record.js');

const NAMES = {
  admission: 'onAdmission',
  delivery: 'onDelivery',
  authentication: 'onAuthentication',
};
const TIMEOUT_MS = 30_000;

/** Answers what the threads of a broker ask. */
class Hooks {
  #functions = {};
  #encoder = new Encoder();
  native = undefined;

  /** Takes its functions out of the settings. */
  constructor(settings) {
    for (const [hook, name] of Object.entries(NAMES)) {
      const call = settings[name];
      if (call === undefined) continue;
      if (typeof call !== 'function') throw wrong(name, 'a function', call);
      this.#functions[hook] = call;
    }
  }

  /** Which there are, as the native part takes it. */
  which(timeoutMs = TIMEOUT_MS) {
    const { admission, delivery, authentication } = this.#functions;
    return {
      admission: admission !== undefined,
      delivery: delivery !== undefined,
      authentication: authentication !== undefined,
      timeoutMs,
    };
  }

  /** Answers all questions that there are. */
  answer() {
    // Somebody may ask before the call is over that opens the broker.
    if (this.native === undefined) return;
    for (
      let question = this.native.nextQuestion();
      question !== null;
      question = this.native.nextQuestion()
    ) {
      this.#ask(question);
    }
  }

  #ask(question) {
    const { hook, token } = question;
    const { clientId, user, address } = question;
    const record = question.record === null ? null : passing(question.record);
    const refuse = (error) => {
      const reason = String(error?.message ?? error);
      if (error instanceof Reject) return this.native.answer(token, reason);
      this.native.answerFailed(token, reason);
      // A consumer stands still before the record, so a fault in the hook must be seen.
      if (hook === 'delivery')
        setImmediate(() => {
          throw error;
        });
    };
    try {
      const call = this.#functions[hook];
      const verdict =
        record === null
          ? call({ user, password: question.password, address })
          : call(record, { clientId, user, address });
      if (typeof verdict?.then === 'function') {
        verdict.then((settled) => this.#pass(token, record, settled)).catch(refuse);
      } else {
        this.#pass(token, record, verdict);
      }
    } catch (error) {
      refuse(error);
    }
  }

  #pass(token, record, verdict) {
    if (record === null || verdict === undefined) return this.native.answer(token, undefined);
    if (typeof verdict !== 'object' || verdict === null) {
      throw invalid(
        'a hook returns nothing or { key, value, headers }; it throws a Reject to refuse',
      );
    }
    const { key = record.key, value = record.value, headers = record.headers } = verdict;
    this.#encoder.add({ topic: '', key, value, headers });
    this.native.answerChanged(token, this.#encoder.take()[2]);
  }
}

module.exports = { HOOKS: Object.values(NAMES), Hooks };

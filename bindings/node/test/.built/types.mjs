// Every method as TypeScript sees it. test/api.test.mjs compiles this strictly, and runs it.
var __addDisposableResource = (this && this.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var __disposeResources = (this && this.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});
import assert from 'node:assert/strict';
import { Admin, Broker, Consumer, ERROR_KINDS, MinkaError, Producer, Reject, } from 'minka';
import { useBroker, withBroker } from 'minka/testing';
async function clients(target) {
    const env_2 = { stack: [], error: void 0, hasError: false };
    try {
        const producer = __addDisposableResource(env_2, new Producer(target, { lingerMs: 0, 'compression.type': 'zstd' }), true);
        const message = { topic: 'typed', value: 'one', key: Buffer.from('k'), headers: { a: null } };
        const receipt = await producer.send(message);
        const offset = receipt.offset;
        assert.equal(offset, 0n);
        const receipts = await producer.sendMany([
            { topic: 'typed', value: null, partition: 0, timestamp: new Date(5) },
            { topic: 'typed', value: new Uint8Array([1]), headers: new Map([['h', 'v']]) },
        ]);
        assert.equal(receipts.length, 2);
        await producer.flush();
        await producer.flush(1000);
        const consumer = __addDisposableResource(env_2, new Consumer(target, { groupId: 'typed', groupType: 'partitions' }), true);
        await consumer.subscribe('typed');
        const seen = [];
        for await (const record of consumer) {
            const { topic, partition, timestamp, value, key, deliveryCount, headers } = record;
            const text = value?.toString();
            assert.ok([undefined, 'one', '\x01'].includes(text) && topic === 'typed' && partition === 0);
            assert.ok(timestamp > 0 && deliveryCount === 1 && headers.every(([name]) => name.length === 1));
            assert.ok(key === null || Buffer.isBuffer(key));
            if (seen.push(record.offset) === 3)
                break;
        }
        assert.deepEqual(seen, [0n, 1n, 2n]);
        await consumer.commit();
        const committed = await consumer.committed('typed', 0);
        const position = consumer.position('typed', 0);
        const assigned = consumer.assignment();
        assert.deepEqual([committed, position, assigned], [3n, 3n, [{ topic: 'typed', partition: 0 }]]);
        const places = ['earliest', 'latest', 1n, 1, new Date(), { time: 1 }, { time: new Date() }];
        for (const place of places)
            consumer.seek('typed', 0, place);
        consumer.pause('typed', 0);
        consumer.resume('typed', 0);
        consumer.wake();
        await assert.rejects(consumer.poll(), (error) => error.code === 'INTERRUPTED' && error.retriable);
        assert.throws(() => consumer.accept({ topic: 'typed', partition: 0, offset: 0n }), MinkaError);
        const late = consumer.acknowledgedTooLate;
        assert.equal(late, 0n);
    }
    catch (e_2) {
        env_2.error = e_2;
        env_2.hasError = true;
    }
    finally {
        const result_2 = __disposeResources(env_2);
        if (result_2)
            await result_2;
    }
}
async function admins(target) {
    const env_3 = { stack: [], error: void 0, hasError: false };
    try {
        const admin = __addDisposableResource(env_3, new Admin(target, { requestTimeoutMs: 5000 }), true);
        await admin.createTopic('made', { partitions: 2, settings: { cleanupPolicy: 'compact' } });
        await admin.addPartitions('made', 3);
        await admin.alterTopic('made', { 'cleanup.policy': null, retentionMs: 5 });
        const topics = await admin.topics();
        const topic = await admin.describeTopic('made');
        const groups = await admin.groups();
        const group = await admin.describeGroup('typed');
        const cluster = await admin.cluster();
        assert.equal(topics.length, 2);
        assert.equal(topic.partitions[2]?.end, 0n);
        assert.deepEqual([groups.length, group.kind, group.partitions[0]?.lag], [1, 'partitions', 0n]);
        assert.equal(typeof cluster.id, 'string');
        await admin.resetGroup('typed', 'typed', 'earliest');
        await admin.alterGroup('typed', { 'minka.retry.backoff.ms': 5 });
        await admin.deleteGroup('typed');
        await admin.deleteTopic('made');
    }
    catch (e_3) {
        env_3.error = e_3;
        env_3.hasError = true;
    }
    finally {
        const result_3 = __disposeResources(env_3);
        if (result_3)
            await result_3;
    }
}
await withBroker({ kafka: '127.0.0.1:0', onAdmission: async () => undefined }, async (broker) => {
    const env_4 = { stack: [], error: void 0, hasError: false };
    try {
        const events = __addDisposableResource(env_4, broker.events({ capacity: 10 }), true);
        await clients(broker);
        await admins(broker.bootstrapServers ?? assert.fail('it has a door'));
        const first = await events.next();
        assert.equal(first?.kind, 'topicCreated');
        for await (const event of events) {
            if (event.kind === 'topicDeleted')
                break;
        }
        broker.fault({ at: 'Produce', nth: 2, times: Infinity, delay: 5 });
        broker.clearFaults();
        broker.dropConnections();
        await broker.advanceClock(1000);
        await broker.waitUntilIdle();
        await broker.waitUntilIdle({ timeout: 100 });
        const other = Broker.attach(broker.token);
        assert.equal(other.bootstrapServers, broker.bootstrapServers);
        await other.close();
    }
    catch (e_4) {
        env_4.error = e_4;
        env_4.hasError = true;
    }
    finally {
        const result_4 = __disposeResources(env_4);
        if (result_4)
            await result_4;
    }
});
{
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const broker = __addDisposableResource(env_1, await Broker.open({ onDelivery: () => ({ value: null }), onAuthentication() { throw new Reject('no'); } }), true);
        assert.equal(broker.bootstrapServers, null);
        assert.match(await broker.listen(), /^127\.0\.0\.1:\d+$/);
        broker.unref().ref();
    }
    catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
    }
    finally {
        const result_1 = __disposeResources(env_1);
        if (result_1)
            await result_1;
    }
}
assert.equal(ERROR_KINDS.get('CLOSED')?.fatal, true);
assert.equal(typeof useBroker, 'function');
// What TypeScript refuses.
void (async (broker, producer, consumer) => {
    // @ts-expect-error a broker is opened by Broker.open
    new Broker();
    // @ts-expect-error a message has a value
    await producer.send({ topic: 'x' });
    // @ts-expect-error a fault loses a request or an answer
    broker.fault({ at: 'Produce', drop: 'everything' });
    // @ts-expect-error offsets are bigint
    const wrong = (await consumer.poll())[0].offset;
    // @ts-expect-error a place is one of a few
    consumer.seek('x', 0, 'middle');
});
console.log('typed');

// Two workers share the jobs of a queue group: each job goes to one of them, until it is settled.
//
// On a broker in this process, or on the one whose address is the first argument.

import { Admin, Broker, Consumer, Producer } from 'minka';

const JOBS = 10;
const counts = { done: 0, released: 0, rejected: 0 };

/** Works until all jobs are settled. */
async function work(target) {
  const settings = { groupId: 'workers', enableAutoCommit: false, maxPollRecords: 3 };
  const consumer = new Consumer(target, settings);
  await consumer.subscribe('jobs');
  while (counts.done + counts.rejected < JOBS) {
    for (const record of await consumer.poll(100)) {
      const end = settle(consumer, record);
      console.log(`${end}: ${record.value}`);
      counts[end] += 1;
    }
    await consumer.commit();
  }
  await consumer.close();
}

/** Says what becomes of a job. */
function settle(consumer, record) {
  if (`${record.value}` === 'job 3' && record.deliveryCount === 1) {
    consumer.release(record); // Somebody is to try again.
    return 'released';
  }
  if (`${record.value}` === 'job 7') {
    consumer.reject(record); // Nobody can do it.
    return 'rejected';
  }
  consumer.accept(record);
  return 'done';
}

const broker = await Broker.open();
const target = process.argv[2] ?? broker;

const admin = new Admin(target);
await admin.createTopic('jobs', { partitions: 1 }).catch((error) => {
  if (error.code !== 'TOPIC_EXISTS') throw error;
});
// A queue group begins with what comes after it, unless it says otherwise.
const settings = { 'share.auto.offset.reset': 'earliest', 'minka.retry.backoff.ms': 1 };
await admin.alterGroup('workers', settings);
await admin.close();

const producer = new Producer(target);
const jobs = Array.from({ length: JOBS }, (_, number) => ({
  topic: 'jobs',
  value: `job ${number}`,
}));
await producer.sendMany(jobs);
await producer.close();

await Promise.all([work(target), work(target)]);
console.log(
  'settled:',
  Object.entries(counts)
    .map(([end, count]) => `${count} ${end}`)
    .join(', '),
);
await broker.close();

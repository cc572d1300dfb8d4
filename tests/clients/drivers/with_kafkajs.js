// kafkajs behind the drivers' protocol: a JSON request a line on stdin, a JSON answer on stdout.
'use strict'

const readline = require('node:readline')
const {
  CompressionCodecs,
  CompressionTypes,
  ConfigResourceTypes,
  Kafka,
  logLevel,
} = require('kafkajs')
const SnappyCodec = require('kafkajs-snappy')
const lz4 = require('lz4-napi')
const { ZstdCodec } = require('zstd-codec')

const CODECS = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

/** kafkajs brings gzip alone; users add the others as we do here. */
async function registerCodecs() {
  const zstd = await new Promise((resolve) => ZstdCodec.run((z) => resolve(new z.Streaming())))
  CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: ({ buffer }) => lz4.compressFrame(buffer),
    decompress: (buffer) => lz4.decompressFrame(buffer),
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }) => Buffer.from(zstd.compress(buffer)),
    decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
  })
}

const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n')
const encode = (data) => (data === null || data === undefined ? null : data.toString('base64'))
const decode = (text) => (text === null ? null : Buffer.from(text, 'base64'))
const client = (request) =>
  new Kafka({
    clientId: 'kafkajs',
    brokers: [request.servers],
    logLevel: logLevel.NOTHING,
    requestTimeout: 60000,
  })

/** kafkajs keeps headers as an object; the values of a repeated name are an array. */
function headersIn(pairs) {
  const headers = {}
  for (const [name, value] of pairs) {
    headers[name] = [...(headers[name] ?? []), decode(value)]
  }
  return headers
}

function headersOut(headers) {
  return Object.entries(headers ?? {}).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((value) => [name, encode(value)])
  )
}

const received = (partition, message) => ({
  partition,
  offset: Number(message.offset),
  timestamp: Number(message.timestamp),
  key: encode(message.key),
  value: encode(message.value),
  headers: headersOut(message.headers),
})

/** Resolves with what `work` settles as, or rejects when the request's time is over. */
function within(request, work) {
  let timer
  const late = new Promise((_, reject) => {
    const text = `${request.op} had no result in ${request.timeout} s`
    timer = setTimeout(() => reject(new Error(text)), request.timeout * 1000)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

async function withAdmin(request, work) {
  const admin = client(request).admin()
  await admin.connect()
  try {
    return await within(request, work(admin))
  } finally {
    await admin.disconnect()
  }
}

const operations = {
  async produce(request) {
    const producer = client(request).producer({
      idempotent: request.idempotent,
      maxInFlightRequests: request.idempotent ? 1 : undefined,
    })
    await producer.connect()
    try {
      const messages = request.records.map((record) => ({
        key: decode(record.key),
        value: decode(record.value),
        headers: headersIn(record.headers),
        ...(record.partition === null ? {} : { partition: record.partition }),
        ...(record.timestamp === null ? {} : { timestamp: String(record.timestamp) }),
      }))
      const answers = await within(
        request,
        producer.send({
          topic: request.topic,
          messages,
          acks: request.acks === 'all' ? -1 : Number(request.acks),
          compression: CODECS[request.codec],
        })
      )
      return placesOf(request.records, answers ?? [])
    } finally {
      await producer.disconnect()
    }
  },

  /** kafkajs knows no consumer without a group, so that this one has a group of its own. */
  async consume(request) {
    const consumer = client(request).consumer({
      groupId: `only-${process.pid}-${Date.now()}-${Math.random()}`,
      maxWaitTimeInMs: request.max_wait_ms,
      retry: { retries: 10 },
    })
    await consumer.connect()
    // kafkajs may hand out a batch again that it fetched while the first was still in its queue.
    const records = new Map()
    try {
      await consumer.subscribe({ topics: [request.topic], fromBeginning: true })
      const enough = new Promise((resolve) => {
        const eachBatch = async ({ batch }) => {
          for (const message of batch.messages) {
            if (!(String(batch.partition) in request.starts)) continue
            const place = `${batch.partition} ${message.offset}`
            records.set(place, received(batch.partition, message))
          }
          if (records.size >= request.count) resolve()
        }
        consumer.run({ autoCommit: false, eachBatch })
      })
      for (const [partition, at] of Object.entries(request.starts)) {
        if (at === null) continue
        consumer.seek({ topic: request.topic, partition: Number(partition), offset: String(at) })
      }
      await within(request, enough)
    } finally {
      await consumer.disconnect()
    }
    return [...records.values()]
  },

  create_topic: (request) =>
    withAdmin(request, (admin) =>
      admin.createTopics({
        topics: [{ topic: request.topic, numPartitions: request.partitions, replicationFactor: 1 }],
      })
    ),

  delete_topic: (request) =>
    withAdmin(request, (admin) => admin.deleteTopics({ topics: [request.topic] })),

  list_topics: (request) =>
    withAdmin(request, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata()
      return Object.fromEntries(topics.map((topic) => [topic.name, topic.partitions.length]))
    }),

  offset_for_time: (request) =>
    withAdmin(request, async (admin) => {
      const found = await admin.fetchTopicOffsetsByTimestamp(request.topic, request.timestamp)
      const ends = await admin.fetchTopicOffsets(request.topic)
      const of = (list) => Number(list.find((p) => p.partition === request.partition).offset)
      // kafkajs turns "no such offset" into the end of the partition.
      return of(found) < of(ends) ? of(found) : null
    }),

  committed: (request) =>
    withAdmin(request, async (admin) => {
      const asked = { groupId: request.group, topics: [request.topic] }
      const [{ partitions }] = await admin.fetchOffsets(asked)
      const known = partitions.filter(({ offset }) => Number(offset) >= 0)
      return Object.fromEntries(known.map((p) => [p.partition, Number(p.offset)]))
    }),

  unknown_topic: (request) =>
    withAdmin(request, (admin) => admin.fetchTopicMetadata({ topics: [request.topic] })).then(
      () => 'found',
      ({ type }) => (type === 'UNKNOWN_TOPIC_OR_PARTITION' ? 'UNKNOWN_TOPIC_OR_PART' : type)
    ),

  /** All settings but this one go back to their defaults. */
  alter_config: (request) =>
    withAdmin(request, (admin) => {
      const { setting: name, value } = request
      const configEntries = value === null ? [] : [{ name, value }]
      const type = ConfigResourceTypes[request.kind.toUpperCase()]
      return admin.alterConfigs({
        validateOnly: false,
        resources: [{ type, name: request.name, configEntries }],
      })
    }),

  described_config: (request) =>
    withAdmin(request, async (admin) => {
      const type = ConfigResourceTypes[request.kind.toUpperCase()]
      const asked = { type, name: request.name, configNames: [request.setting] }
      const { resources } = await admin.describeConfigs({ resources: [asked] })
      return resources[0].configEntries[0].configValue
    }),

  /** kafkajs does not say where the partition begins then, but its offsets do. It must have asked
   * for them before, too, to know the partition's leader. */
  delete_records: (request) =>
    withAdmin(request, async (admin) => {
      const { topic, partition, offset } = request
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${offset}` }] })
      const offsets = await admin.fetchTopicOffsets(topic)
      return Number(offsets.find((of) => of.partition === partition).low)
    }),
}

/** The place of each record: kafkajs reports the first offset of each partition's batch. */
function placesOf(records, answers) {
  const next = new Map(answers.map((a) => [a.partition, Number(a.baseOffset)]))
  return records.map(({ partition }) => {
    const at = partition ?? (next.size === 1 ? [...next.keys()][0] : undefined)
    if (!next.has(at)) return [-1, -1]
    const offset = next.get(at)
    next.set(at, offset + 1)
    return [at, offset]
  })
}

/** A consumer in a group that commits only when told to; the process is a member for good. */
class Member {
  constructor(request) {
    this.request = request
    this.next = new Map()
    this.known = null
  }

  async join() {
    const { topic, group } = this.request
    this.consumer = client(this.request).consumer({
      groupId: group,
      sessionTimeout: 6000,
      heartbeatInterval: 300,
      rebalanceTimeout: 10000,
      maxWaitTimeInMs: 100,
    })
    this.consumer.on(this.consumer.events.GROUP_JOIN, ({ payload }) => {
      this.next.clear()
      say({ assigned: [...(payload.memberAssignment[topic] ?? [])].sort((a, b) => a - b) })
    })
    await this.consumer.connect()
    await this.consumer.subscribe({ topics: [topic], fromBeginning: true })
    await this.consumer.run({ autoCommit: false, eachMessage: (each) => this.take(each) })
  }

  async take({ partition, message }) {
    this.next.set(partition, Number(message.offset) + 1)
    say({ record: received(partition, message) })
  }

  async commit() {
    const offsets = [...this.next].map(([partition, offset]) => ({
      topic: this.request.topic,
      partition,
      offset: String(offset),
    }))
    if (offsets.length > 0) await this.consumer.commitOffsets(offsets)
    say({ committed: true })
  }

  async leave() {
    await this.consumer.disconnect()
    say({ left: true })
    process.exit(0)
  }
}

async function main() {
  await registerCodecs()
  let member = null
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line)
    try {
      if (request.op === 'join') {
        member = new Member(request)
        await member.join()
      } else if (member !== null) {
        await member[request.op]()
      } else {
        say({ ok: (await operations[request.op](request)) ?? null })
      }
    } catch (error) {
      say({ error: `${error.name}: ${error.message}` })
    }
  }
  process.exit(0)
}

main()

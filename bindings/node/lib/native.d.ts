// Made by scripts/types.mjs from src/. Not part of what the package promises.

/** A partition to read, and where from. */
export interface Assignment {
  /** The topic. */
  topic: string
  /** The partition. */
  partition: number
  /** `earliest`, `latest`, `time:MS` or `offset:OFFSET`. */
  at: string
}

/** A broker of a cluster. */
export interface BrokerDescription {
  /** Its ID. */
  id: number
  /** Its host. */
  host: string
  /** Its port. */
  port: number
}

/** Something that happened in a broker. */
export interface BrokerEvent {
  /** What, such as `topicCreated`. */
  kind: string
  /** When, in ms since 1970. */
  time: number
  /** The topic. */
  topic: string | null
  /** The partition, or how many there are. */
  partition: number | null
  /** The record's offset. */
  offset: bigint | null
  /** The group. */
  group: string | null
  /** The member's ID. */
  member: string | null
  /** The client: its address for a connection, the user for a login, its client ID for a member. */
  client: string | null
  /** More, for people. */
  text: string
}

/** The cluster. */
export interface ClusterDescription {
  /** Its ID. */
  id: string
  /** Its brokers that can be reached over the network, by ID. */
  brokers: Array<BrokerDescription>
}

/** A fault to come. */
export interface FaultSpec {
  /** An API by its Kafka name, or `disk.write`, `disk.sync`, `disk.read`. */
  at: string
  /** The call from now on with which it begins; 1 is the next. */
  nth: number
  /** How many calls it happens to; endless for all. */
  times: number
  /** The name of the kind of error that the call fails with. */
  error?: string
  /** How much longer the call takes, in ms. */
  delayMs?: number
  /** What is lost with the connection: `request` or `answer`. */
  drop?: string
}

/** A group with its members and offsets. */
export interface GroupDescription {
  /** Its name. */
  name: string
  /** How it shares out its topics. */
  kind: 'queue' | 'partitions' | 'classic' | 'other'
  /** What it is doing, as Kafka calls it: `Stable`, `Empty`, ... */
  state: string
  /** Its members. */
  members: Array<MemberDescription>
  /**
   * The partitions that it has committed or that a member has; of a queue group those that it
   * has begun to read.
   */
  partitions: Array<GroupPartition>
}

/** A group in a list of all groups. */
export interface GroupListing {
  /** Its name. */
  name: string
  /** How it shares out its topics. */
  kind: 'queue' | 'partitions' | 'classic' | 'other'
  /** What it is doing, as Kafka calls it: `Stable`, `Empty`, ... */
  state: string
}

/** Where a group is in a partition. */
export interface GroupPartition {
  /** The topic. */
  topic: string
  /** The partition. */
  partition: number
  /** The offset that was committed: the next to be read. */
  committed: bigint | null
  /** The offset of the next record to become visible. */
  end: bigint | null
  /** How many records lie between the two, without those that are settled. */
  lag: bigint | null
  /** How many records are with members of a queue group, where the broker tells it. */
  inFlight: bigint | null
  /** How many records of a queue group wait for another delivery, where the broker tells it. */
  redelivered: bigint | null
}

/** Which hooks there are. */
export interface HookSet {
  /** Whether records are looked at before they are appended. */
  admission: boolean
  /** Whether records are looked at before a consumer gets them. */
  delivery: boolean
  /** Whether users and passwords are looked at. */
  authentication: boolean
  /** How long an answer may take, in ms. */
  timeoutMs: number
}

/** What JavaScript knows of a kind of error. */
export interface Kind {
  /** The name, in capitals. */
  name: string
  /** The number. */
  number: number
  /** Whether the same call may succeed later. */
  retriable: boolean
  /** Whether what gave this error will not work again until it is opened anew. */
  fatal: boolean
}

/** A member of a group. */
export interface MemberDescription {
  /** Its ID. */
  id: string
  /** Its instance ID, if it is a static member. */
  instanceId: string | null
  /** What the client calls itself. */
  clientId: string
  /** Where the client is. */
  host: string
  /** The partitions that it has. */
  assigned: Array<TopicPartition>
}

/** An admin. `lib/admin.js` gives it its face. */
export declare class NativeAdmin {
  /** An admin of a broker, or of the address where there is none. */
  constructor(broker: NativeBroker | undefined | null, address: string, settings: Array<string>)
  /** Creates a topic. */
  createTopic(name: string, partitions: number | undefined | null, settings: Array<string>): Promise<void>
  /** Deletes a topic with its records. */
  deleteTopic(name: string): Promise<void>
  /** All topics, by name in order. */
  topics(): Promise<Array<TopicListing>>
  /** A topic with its partitions and settings. */
  describeTopic(name: string): Promise<TopicDescription>
  /** Gives a topic more partitions. */
  addPartitions(name: string, count: number): Promise<void>
  /** Changes settings of a topic; those of `defaults` go back to the default. */
  alterTopic(name: string, settings: Array<string>, defaults: Array<string>): Promise<void>
  /** All groups, by name in order. */
  groups(): Promise<Array<GroupListing>>
  /** A group with its members and where it is. */
  describeGroup(name: string): Promise<GroupDescription>
  /** Has a group go on elsewhere in a topic: `earliest`, `latest`, `time:MS` or `offset:OFFSET`. */
  resetGroup(name: string, topic: string, to: string): Promise<void>
  /** Changes settings of a group; those of `defaults` go back to the default. */
  alterGroup(name: string, settings: Array<string>, defaults: Array<string>): Promise<void>
  /** Deletes a group that has no members. */
  deleteGroup(name: string): Promise<void>
  /** The cluster and its brokers. */
  cluster(): Promise<ClusterDescription>
  /** Ends it, and the calls that are under way. */
  close(): Promise<void>
}

/** A broker in this process. `lib/broker.js` gives it its face. */
export declare class NativeBroker {
  /** Opens a broker. `asked` is called when there is something for `nextQuestion`. */
  static open(settings: Array<string>, hooks: HookSet, asked: () => void): Promise<NativeBroker>
  /** The broker that another thread of JavaScript has opened and shares by this number. */
  static attach(token: number): NativeBroker
  /** The number by which other threads of JavaScript find it. */
  get token(): number
  /** Where Kafka clients connect to. */
  get bootstrapServers(): string | null
  /** Opens the Kafka door. */
  listen(address: string): Promise<string>
  /** Moves the clock. */
  advanceClock(ms: number): Promise<void>
  /** Has a fault happen. */
  fault(spec: FaultSpec): void
  /** Takes back all faults that are to come. */
  clearFaults(): void
  /** Ends all connections. */
  dropConnections(): void
  /** Copies what the broker holds into a directory. */
  snapshot(directory: string): Promise<void>
  /** Waits until the lag of a group, or of all, is zero. */
  waitUntilIdle(group: string | undefined | null, timeoutMs: number): Promise<void>
  /** The events from now on. */
  events(capacity: number): NativeEvents
  /** The next question to a hook. */
  nextQuestion(): Question | null
  /** Answers a question: the record or the client passes, or is refused for a reason. */
  answer(token: number, refused?: string | undefined | null): void
  /** Answers a question: the hook failed, for this reason. */
  answerFailed(token: number, reason: string): void
  /** Answers a question: the record goes on as the message in `bytes`. */
  answerChanged(token: number, bytes: Buffer): void
  /** Whether the event loop goes on because the broker is open. */
  holdLoop(hold: boolean): void
  /** Closes it. Where it was not opened here, only lets go of it. */
  close(): Promise<void>
}

/** A consumer. `lib/consumer.js` gives it its face. */
export declare class NativeConsumer {
  /** A consumer of a broker, or of the address where there is none. */
  constructor(broker: NativeBroker | undefined | null, address: string, settings: Array<string>)
  /** Joins the group to read these topics. */
  subscribe(topics: Array<string>): Promise<void>
  /** Reads these partitions. */
  assign(partitions: Array<Assignment>): Promise<void>
  /** Waits for records. */
  poll(timeoutMs: number): Promise<Polled>
  /** Says that what was returned is done, and waits until the broker has that. */
  commit(): Promise<void>
  /** The position that the group has committed. */
  committed(topic: string, partition: number): Promise<bigint | null>
  /** Says what becomes of a message of a queue group: `accept`, `release`, `reject` or `renew`. */
  acknowledge(topic: string, partition: number, offset: bigint, what: string): void
  /** How many acknowledgements came too late. */
  acknowledgedTooLate(): bigint
  /** Goes on elsewhere in a partition. */
  seek(topic: string, partition: number, at: string): void
  /** Returns no more records of a partition for a while. */
  pause(topic: string, partition: number): void
  /** Goes on with a partition. */
  resume(topic: string, partition: number): void
  /** The offset of the next record of a partition. */
  position(topic: string, partition: number): bigint | null
  /** The partitions that are read at present. */
  assignment(): Array<TopicPartition>
  /** Ends the poll that waits, or the next one. */
  wake(): void
  /** Ends it, and the call that is under way. */
  close(): Promise<void>
}

/** The events of a broker. `lib/events.js` gives them their face. */
export declare class NativeEvents {
  /** Waits for events; none after the last. */
  next(): Promise<Array<BrokerEvent>>
  /** Ends it, and the call that is under way. */
  close(): Promise<void>
}

/** A producer. `lib/producer.js` gives it its face. */
export declare class NativeProducer {
  /**
   * A producer for a broker, or for the address where there is none. `settled` is called when
   * there is something for `takeSettled`.
   */
  constructor(broker: NativeBroker | undefined | null, address: string, settings: Array<string>, settled: () => void)
  /**
   * Sends a batch of messages. What becomes of each is told with the number of the batch; of
   * a whole one when all is known.
   */
  send(number: number, isWhole: boolean, count: number, topics: Array<string>, bytes: Buffer): void
  /** What became of messages since this was called last. */
  takeSettled(): Settled | null
  /** Whether the event loop goes on because of what is to be told. */
  holdLoop(hold: boolean): void
  /** Waits until all that was sent before is acknowledged. */
  flush(timeoutMs: number): Promise<void>
  /** Ends it. What is not acknowledged in time fails. */
  close(timeoutMs: number): Promise<void>
  /** Lets go of the function that is called, after closing. */
  release(): void
}

/** A partition of a topic that is described. */
export interface PartitionDescription {
  /** Its number. */
  index: number
  /** The log start offset: the first that can be read. */
  start: bigint
  /** The offset of the next record to become visible. */
  end: bigint
}

/** The records of a poll, as JavaScript gets them. */
export interface Polled {
  /** How many there are. */
  count: number
  /** The records. */
  bytes: Buffer
  /** The topics that they are of. */
  topics: Array<string>
}

/** What a hook is asked. */
export interface Question {
  /** What the answer is given with. */
  token: number
  /** Which hook. */
  hook: 'admission' | 'delivery' | 'authentication'
  /** The record, unless somebody wants to be let in. */
  record: Polled | null
  /** What the client calls itself. */
  clientId: string
  /** The user. */
  user: string | null
  /** The password, where somebody wants to be let in. */
  password: string | null
  /** Where the client is; null for one in this process. */
  address: string | null
}

/** A setting of a topic. */
export interface Setting {
  /** Its name. */
  name: string
  /** Its value; empty where the broker keeps it secret. */
  value: string
  /** Whether the topic was given none of its own. */
  isDefault: boolean
}

/** What became of messages. */
export interface Settled {
  /** A row for each. */
  rows: Buffer
  /** The errors, each as the name of its kind and its sentence. */
  errors: Array<Array<string>>
}

/** A topic with its partitions and settings. */
export interface TopicDescription {
  /** Its name. */
  name: string
  /** Its ID, as Kafka shows it: 22 characters. */
  id: string
  /** Its partitions, in order. */
  partitions: Array<PartitionDescription>
  /** Its settings, by name in order. */
  settings: Array<Setting>
}

/** A topic in a list of all topics. */
export interface TopicListing {
  /** Its name. */
  name: string
  /** Its ID, as Kafka shows it: 22 characters. */
  id: string
  /** How many partitions it has. */
  partitions: number
}

/** A partition of a topic. */
export interface TopicPartition {
  /** The topic. */
  topic: string
  /** The partition. */
  partition: number
}

/** All kinds of errors, by number in order. */
export declare function errorKinds(): Array<Kind>

/** The version of minka. */
export declare function version(): string

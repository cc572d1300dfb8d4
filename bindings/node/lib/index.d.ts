/// <reference types="node" />

import type {
  BrokerEvent,
  ClusterDescription,
  GroupDescription,
  GroupListing,
  TopicDescription,
  TopicListing,
  TopicPartition,
} from './native';

export type {
  BrokerDescription,
  BrokerEvent,
  ClusterDescription,
  GroupDescription,
  GroupListing,
  GroupPartition,
  MemberDescription,
  PartitionDescription,
  Setting,
  TopicDescription,
  TopicListing,
  TopicPartition,
} from './native';

/** Bytes. A string is written as UTF-8. */
export type Bytes = string | NodeJS.ArrayBufferView;

/**
 * Settings by name, as `numPartitions` or as `'num.partitions'`. What is undefined keeps its
 * default.
 */
export interface Settings {
  [name: string]: string | number | bigint | boolean | undefined;
}

/** Changes of settings; null goes back to the default. */
export interface SettingChanges {
  [name: string]: string | number | bigint | boolean | null | undefined;
}

/** What a client is opened on: a broker of this process, or addresses as `host:port,host:port`. */
export type Target = Broker | string;

/**
 * A place in a partition: its first or next record, an offset, or the first record of a time or
 * later.
 */
export type Place = 'earliest' | 'latest' | bigint | number | Date | { time: number | Date };

/** A name and a value; a name may occur more than once. */
export type Header = [name: string, value: Buffer | null];

/** Headers of a message: an object, or pairs of names and values. */
export type HeadersInput =
  { [name: string]: Bytes | null } | Iterable<readonly [name: string, value: Bytes | null]>;

/** An error of minka. `code` is for programs, `message` for people. */
export class MinkaError extends Error {
  constructor(message: string, code?: string, options?: ErrorOptions);
  /** The name of its kind, such as `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly code: string;
  /** The number of its kind, which is the same in every language. */
  readonly number: number;
  /** Whether the same call may succeed later without anything being changed. */
  readonly retriable: boolean;
  /** Whether what gave this error will not work again until it is opened anew. */
  readonly fatal: boolean;
  /** With an error of `sendMany`: the receipt, or the error, of each message. */
  readonly results?: Array<Receipt | MinkaError>;
}

/** A kind of error. */
export interface ErrorKind {
  readonly name: string;
  readonly number: number;
  readonly retriable: boolean;
  readonly fatal: boolean;
}

/** All kinds of errors, by name. */
export const ERROR_KINDS: ReadonlyMap<string, ErrorKind>;

/** Thrown by a hook to refuse a record, or a client; its message is the reason. */
export class Reject extends Error {}

/** A message to send. */
export interface Message {
  /** The topic. */
  topic: string;
  /** The partition; without one it is chosen by the key. */
  partition?: number | null;
  /** Messages with the same key go to the same partition. */
  key?: Bytes | null;
  /** The value; null is a tombstone where the topic is compacted. */
  value: Bytes | null;
  /** The headers, in order. */
  headers?: HeadersInput | null;
  /** In ms since 1970; without one, now. */
  timestamp?: number | Date | null;
}

/** Where a message ended up. */
export class Receipt {
  private constructor();
  readonly topic: string;
  readonly partition: number;
  /** Null where the broker did not tell it: with `acks` 0. */
  readonly offset: bigint | null;
  /** The unique ID in minka's log; null where the broker is another. */
  readonly id: bigint | null;
  /** As it is stored, in ms since 1970. */
  readonly timestamp: number;
}

/** What records have in common that a poll returned and that a hook looks at. */
export interface Fields {
  readonly topic: string;
  readonly partition: number;
  /** In ms since 1970. */
  readonly timestamp: number;
  /** Shares its memory with the other records of the poll. */
  readonly key: Buffer | null;
  /** Shares its memory with the other records of the poll. */
  readonly value: Buffer | null;
  /** In the order in which the producer gave them. */
  readonly headers: Header[];
}

/** A record that a poll returned. */
export class Record implements Fields {
  private constructor();
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Header[];
  /** How often it was delivered to a member of a queue group, this time included; 1 without one. */
  readonly deliveryCount: number;
}

/** A record that a hook looks at. */
export interface PassingRecord extends Fields {
  /** Null at admission, where it has none yet. */
  readonly offset: bigint | null;
}

/** Who sends a record, or is to get it. */
export interface Peer {
  /** What the client calls itself. */
  clientId: string;
  /** The user that authentication let in. */
  user: string | null;
  /** Where the client is; null for one in this process. */
  address: string | null;
}

/** Somebody who wants to be let in. */
export interface Login {
  user: string;
  password: string;
  address: string;
}

/** What a record is from a hook on. What is left out stays. */
export interface Changed {
  key?: Bytes | null;
  value?: Bytes | null;
  headers?: HeadersInput;
}

/**
 * Has a say about a record: nothing lets it pass, an object changes it, a `Reject` refuses it. May
 * be async; whoever brings or gets the record waits.
 */
export type RecordHook = (
  record: PassingRecord,
  peer: Peer,
) => Changed | undefined | void | Promise<Changed | undefined | void>;

/** Has a say about who connects: whatever it throws keeps the client out. May be async. */
export type AuthenticationHook = (login: Login) => void | Promise<void>;

/** Functions that have a say, called on the thread that opened the broker. */
export interface Hooks {
  /** Asked about each record before it is appended. */
  onAdmission?: RecordHook;
  /**
   * Asked about each record before a consumer gets it. A record that is refused is left out; in a
   * queue group it counts as accepted.
   */
  onDelivery?: RecordHook;
  /** Asked about each connection of the Kafka door. */
  onAuthentication?: AuthenticationHook;
  /** How long an answer may take until it counts as a refusal, in ms: 30000 by default. */
  hookTimeoutMs?: number;
}

/**
 * The settings of a broker: those of the program `broker`, and `data`, `copyOf`, `kafka`,
 * `advertise` and `logLevel`. Without `data` everything is in memory.
 */
export type BrokerSettings = Hooks & {
  [name: string]: string | number | bigint | boolean | undefined | RecordHook | AuthenticationHook;
};

/** A fault to come: one of `error`, `delay` and `drop`. */
export interface Fault {
  /** An API by its Kafka name, such as `Produce`, or `disk.write`, `disk.sync`, `disk.read`. */
  at: string;
  /** The call from now on with which it begins; 1 is the next. */
  nth?: number;
  /** How many calls it happens to; Infinity for all. */
  times?: number;
  /** The call fails with this kind of error. */
  error?: string | MinkaError;
  /** The call takes this much longer, in ms. */
  delay?: number;
  /** The connection ends before the request is looked at, or in place of the answer. */
  drop?: 'request' | 'answer';
}

/**
 * A broker in this process.
 *
 * While it is open the process goes on, unless it is told otherwise by `unref`.
 */
export class Broker implements AsyncDisposable {
  private constructor();
  /** Opens a broker. */
  static open(settings?: BrokerSettings): Promise<Broker>;
  /** The broker that another worker thread has opened. Closing this only lets go of it. */
  static attach(token: number): Broker;
  /** What `Broker.attach` finds it by. */
  readonly token: number;
  /** Where Kafka clients connect to; null without a Kafka door. */
  readonly bootstrapServers: string | null;
  /** Opens the Kafka door of a broker that has none; resolves to the address. */
  listen(address?: string): Promise<string>;
  /** Moves the broker's clock forward; resolves when all that was due has happened. */
  advanceClock(ms: number): Promise<void>;
  /** Has a fault happen. */
  fault(fault: Fault): void;
  /** Takes back all faults that are to come. */
  clearFaults(): void;
  /** Ends all connections of the Kafka door; it goes on accepting new ones. */
  dropConnections(): void;
  /** Copies what the broker holds into a directory, which must be empty or absent. */
  snapshot(directory: string): Promise<void>;
  /** Waits until the lag of a group, or of all groups, is zero; TIMEOUT says what is left. */
  waitUntilIdle(options?: { group?: string; timeout?: number }): Promise<void>;
  /** The events from now on, of which `capacity` are kept until they are taken. */
  events(options?: { capacity?: number }): EventStream;
  /** Has the process go on as long as the broker is open. */
  ref(): this;
  /** Lets the process end although the broker is open. */
  unref(): this;
  /** Closes the doors, then the broker. Calls that are under way end with CLOSED. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Sends records. In process and behind an address alike. */
export class Producer implements AsyncDisposable {
  constructor(target: Target, settings?: Settings);
  /** Sends a message; resolves when it is acknowledged. What is sent together travels together. */
  send(message: Message): Promise<Receipt>;
  /** Sends messages; resolves when all are acknowledged, with the receipts in the same order. */
  sendMany(messages: readonly Message[]): Promise<Receipt[]>;
  /** Waits until everything that was sent before is acknowledged or has failed. */
  flush(timeoutMs?: number): Promise<void>;
  /** Takes no more, waits for what was sent, 30 s if nothing else is said, and ends. */
  close(timeoutMs?: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Reads partitions by hand, or as a member of a group (`groupId`; `groupType` is `queue` or
 * `partitions`).
 *
 * One call at a time: a second one while another is pending is an INVALID_REQUEST.
 */
export class Consumer implements AsyncDisposable, AsyncIterable<Record> {
  constructor(target: Target, settings?: Settings);
  /** Joins the group, to read these topics with its other members. */
  subscribe(topics: string | readonly string[]): Promise<void>;
  /** Reads these partitions instead of those before, each from `at`, or `earliest`. */
  assign(
    partitions: ReadonlyArray<{ topic: string; partition: number; at?: Place }>,
  ): Promise<void>;
  /** Waits for records, 1 s if nothing else is said; none when the time is up. */
  poll(timeoutMs?: number): Promise<Record[]>;
  /** Says that what was returned, or handed on by a loop, is done, and waits for the broker. */
  commit(): Promise<void>;
  /** The position that the group has committed for a partition; null if it has none. */
  committed(topic: string, partition: number): Promise<bigint | null>;
  /** The message of a queue group has been dealt with. Told with the next poll or commit. */
  accept(record: RecordPlace): void;
  /** The message is delivered again, to any member. */
  release(record: RecordPlace): void;
  /** The message cannot be dealt with: no member gets it again. */
  reject(record: RecordPlace): void;
  /** The message takes longer: its lock begins anew. */
  renew(record: RecordPlace): void;
  /** How many acknowledgements came too late: those messages are delivered again. */
  readonly acknowledgedTooLate: bigint;
  /** Goes on at another place in a partition. */
  seek(topic: string, partition: number, at: Place): void;
  /** Returns no more records of a partition until `resume`. */
  pause(topic: string, partition: number): void;
  /** Goes on with a partition where it was paused. */
  resume(topic: string, partition: number): void;
  /** The offset of the next record of a partition; null until the broker has said where it is. */
  position(topic: string, partition: number): bigint | null;
  /** The partitions that are read at present. */
  assignment(): TopicPartition[];
  /** Ends the poll that waits, or the next one, with INTERRUPTED; a `for await` just ends. */
  wake(): void;
  /** Ends the consumer, and the call that is under way with CLOSED; a `for await` just ends. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
  /**
   * The records, one by one, until the consumer is closed or woken. What a loop that was left has
   * not handed on is returned again.
   */
  [Symbol.asyncIterator](): AsyncGenerator<Record, void, void>;
}

/** What a record is known by. */
export type RecordPlace = Pick<Record, 'topic' | 'partition' | 'offset'>;

/** Creates, describes, changes and deletes topics and groups. */
export class Admin implements AsyncDisposable {
  constructor(target: Target, settings?: Settings);
  /** Creates a topic. */
  createTopic(name: string, options?: { partitions?: number; settings?: Settings }): Promise<void>;
  /** Deletes a topic with its records. */
  deleteTopic(name: string): Promise<void>;
  /** All topics, by name in order. */
  topics(): Promise<TopicListing[]>;
  /** A topic with its partitions and settings. */
  describeTopic(name: string): Promise<TopicDescription>;
  /** Gives a topic more partitions: `count` is how many it then has. */
  addPartitions(name: string, count: number): Promise<void>;
  /** Changes settings of a topic, all or none. */
  alterTopic(name: string, settings: SettingChanges): Promise<void>;
  /** All groups, by name in order. */
  groups(): Promise<GroupListing[]>;
  /** A group with its members and where it is. */
  describeGroup(name: string): Promise<GroupDescription>;
  /** Has a group without members go on elsewhere in a topic. */
  resetGroup(name: string, topic: string, to: Place): Promise<void>;
  /** Changes settings of a group, all or none. */
  alterGroup(name: string, settings: SettingChanges): Promise<void>;
  /** Deletes a group that has no members, with what it has committed. */
  deleteGroup(name: string): Promise<void>;
  /** The cluster and its brokers. */
  cluster(): Promise<ClusterDescription>;
  /** Ends it; calls that are under way end with CLOSED. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What happens in a broker, from when this was made. By `Broker.events`. */
export class EventStream implements AsyncDisposable, AsyncIterable<BrokerEvent> {
  private constructor();
  /** The next event; null after the last. */
  next(): Promise<BrokerEvent | null>;
  /** Ends it, and the call that is under way with CLOSED; a `for await` just ends. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
  [Symbol.asyncIterator](): AsyncGenerator<BrokerEvent, void, void>;
}

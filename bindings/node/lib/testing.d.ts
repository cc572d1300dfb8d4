import type { Broker, BrokerSettings } from './index';

/** Opens a broker in memory, with a Kafka door, for a function, and closes it behind it. */
export function withBroker<T>(body: (broker: Broker) => T | Promise<T>): Promise<T>;
export function withBroker<T>(
  settings: BrokerSettings,
  body: (broker: Broker) => T | Promise<T>,
): Promise<T>;

/** What a test runner gives: `node:test`, the globals of jest, or the exports of vitest. */
export type TestHooks =
  | { beforeAll: Hook; afterAll: Hook; beforeEach: Hook }
  | { before: Hook; after: Hook; beforeEach: Hook };

type Hook = (body: () => Promise<void>) => unknown;

/**
 * Has the tests of a file share a broker in memory, with a Kafka door; it has no topics, groups or
 * faults when a test begins. Without hooks those of the globals are used, as jest has them.
 */
export function useBroker(
  hooks?: TestHooks,
  settings?: BrokerSettings,
): { readonly broker: Broker; readonly bootstrapServers: string };

/** Takes away topics, groups and faults. A group with members stays until they are gone. */
export function clean(broker: Broker): Promise<void>;

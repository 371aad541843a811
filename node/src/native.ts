// Finds and loads the native half, and says what to do when it is not there. What it does is written down in
// docs/boundary.md of the repository.

import { join } from "node:path";

/** What `drain` took: JSON texts, see `bindings/node/src/session.rs`. */
export interface Drained {
  items: string;
  errors?: string;
  end?: string;
  more: boolean;
}

/** The engine as one environment (the main thread, or a worker) sees it. */
export interface NativeEngine {
  open(request: string): number;
  ready(): number[];
  submit(session: number, command: string): void;
  decide(policy: number, question: string): string;
  signals(session: number): string | null;
  drain(session: number, max: number): Drained;
  close(session: number, now: boolean): void;
  release(session: number): void;
  setLogLevel(level: string): void;
  logs(): string | null;
  shutdown(timeoutMs: number): void;
}

interface Addon {
  Engine: new (wake: () => void) => NativeEngine;
  invoke(request: string): Promise<string>;
  invokeNow(request: string): string;
}

/** The file name of the native half for this machine. */
const file = `madrigal.${process.platform}-${process.arch}.node`;

/** Loads it. */
export function load(): Addon {
  const path = join(__dirname, "..", file);
  try {
    return require(path) as Addon;
  } catch (cause) {
    throw new Error(
      `madrigal: the native half of the package could not be loaded from ${path}. In a checkout, build it with ` +
        "`npm ci && npm run build` in the folder `node` (this needs Rust); otherwise install the package again on this machine.",
      { cause },
    );
  }
}

/** Work that belongs to no session: JSON in, JSON out, on the thread pool. */
export const invoke = (request: string): Promise<string> => load().invoke(request);

/** The same at once, for work that only calculates. */
export const invokeNow = (request: string): string => load().invokeNow(request);

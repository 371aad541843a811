// The engine of this environment (the main thread, or a worker): hands each wake to the session it is for, decides what
// keeps the process alive, and ends everything when the process exits.

import { isMainThread } from "node:worker_threads";
import { native } from "./errors.js";
import { load, type NativeEngine } from "./native.js";

/** How long an exiting process waits until all programs are gone. They are killed after two seconds at the latest. */
const EXIT_MS = 3_000;
const LONG_MS = 2 ** 31 - 1;

/** Something that is told when its session has news. Must not throw. */
export interface Listener {
  readonly id: number;
  onWake(): void;
}

/** Sessions are held weakly, so that one nobody uses any more can be collected, and is then released. */
const listeners = new Map<number, WeakRef<Listener>>();
const leaked = new FinalizationRegistry<number>((id) => {
  listeners.delete(id);
  engine.release(id);
});
/** Sessions somebody waits for. A wait keeps the session and the process alive; an idle session keeps neither. */
const awaited = new Set<Listener>();
const alive = setInterval(() => {}, LONG_MS).unref();

/** The engine of this environment. */
export const engine: NativeEngine = new (load().Engine)(() => {
  for (const id of engine.ready()) listeners.get(id)?.deref()?.onWake();
});

// A worker that ends takes its sessions with it in native code; so does a process that is killed. This is for
// `process.exit`, an uncaught exception, and a program that has simply nothing left to do.
if (isMainThread) process.once("exit", () => engine.shutdown(EXIT_MS));

/** Opens a session whose listener is made from its number. */
export function open<L extends Listener>(request: string, listener: (id: number) => L): L {
  const made = listener(native(() => engine.open(request)));
  listen(made);
  leaked.register(made, made.id, made);
  return made;
}

/** From now on a listener is told when there is something for its number. */
export function listen(listener: Listener): void {
  listeners.set(listener.id, new WeakRef(listener));
}

/** Forgets a session. */
export function release(listener: Listener): void {
  leaked.unregister(listener);
  listeners.delete(listener.id);
  engine.release(listener.id);
}

/** Somebody waits for a session from now on. */
export function hold(listener: Listener): void {
  if (awaited.size === 0) alive.ref();
  awaited.add(listener);
}

/** Nobody waits for a session any more. */
export function letGo(listener: Listener): void {
  awaited.delete(listener);
  if (awaited.size === 0) alive.unref();
}

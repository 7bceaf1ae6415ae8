/** Typed events. A listener that throws is the app's bug: it surfaces as uncaught, and breaks neither the call nor other listeners. */

/** Is called with what the event brings. */
export type Listener<Args extends readonly unknown[]> = (...args: Args) => void;

/** What has events: `Events` names each with its arguments. */
export class Emitter<Events extends Record<keyof Events, readonly unknown[]>> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** The returned function takes the listener off again. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set.add(listener));
    return () => void set.delete(listener);
  }

  /** Resolves with the arguments of the next one. */
  once<Name extends keyof Events>(name: Name): Promise<Events[Name]> {
    return new Promise((resolve) => {
      const off = this.on(name, (...args) => {
        off();
        resolve(args);
      });
    });
  }

  /** @internal */
  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])])
      try {
        (listener as Listener<Events[Name]>)(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
  }
}

import type { GpuSample } from './gpu-sample.ts';

/** A backend whose GPUs are in this machine. */
export interface LocalBackend {
  readonly id: string;
  /** Indices of the GPUs that it uses; empty: nobody has said, so all of them. */
  readonly gpus: readonly number[];
}

/** What was drawn by GPUs, divided among backends and keys by the tokens they had of it. */
export interface EnergyShares {
  /**
   * A request ended. `tokens` are those it read and wrote, `tookMs` how long it was on the backend.
   * Costs one addition.
   */
  served(request: ServedRequest): void;
  /** A new reading of the GPUs. */
  sampled(gpus: readonly GpuSample[]): void;
  replaceBackends(backends: readonly LocalBackend[]): void;
  standing(): EnergyStanding;
}

export interface ServedRequest {
  readonly backend: string;
  readonly key: string;
  readonly tokens: number;
  readonly tookMs: number;
}

/** Since the start. `joules` of a backend are those of its keys and what it drew while it had no work. */
export interface EnergyStanding {
  readonly joules: number;
  readonly idleJoules: number;
  readonly backends: readonly BackendEnergy[];
  /** The most first; what does not fit in the bound is under `others`. */
  readonly keys: readonly KeyEnergy[];
  readonly others: KeyEnergy | null;
}

export interface BackendEnergy {
  readonly backend: string;
  readonly joules: number;
  readonly idleJoules: number;
  readonly tokens: number;
  /** null before the first token. */
  readonly joulesPer1kTokens: number | null;
}

export interface KeyEnergy {
  readonly key: string;
  readonly joules: number;
  readonly tokens: number;
}

export interface EnergyShareOptions {
  readonly backends: readonly LocalBackend[];
  readonly nowMs: () => number;
  readonly windowMs?: number;
  readonly keysMax?: number;
}

/**
 * Long enough that most requests begin and end in one, so that the tokens that are known at the end
 * of a request meet the energy that made them.
 */
const WINDOW_MS = 60_000;
/** Windows that a request may reach back over: longer than `timeouts.total` usually is. */
const WAITING_MAX = 60;
const KEYS_MAX = 10_000;
const OTHERS = 'others';

/**
 * Works in windows. At the end of one, what each GPU drew goes to the backends that use it, by the
 * tokens they served; and from there to keys, likewise. A window in which a backend served nothing
 * waits: a request that ends later, and was running then, takes it with it. What nobody claims is
 * idle.
 */
export function createEnergyShares(options: EnergyShareOptions): EnergyShares {
  return new Shares(options);
}

class Shares implements EnergyShares {
  readonly #nowMs: () => number;
  readonly #windowMs: number;
  readonly #keysMax: number;
  #books = new Map<string, BackendBook>();
  readonly #keys = new Map<string, { joules: number; tokens: number }>();
  readonly #meters = new Map<number, { energyJ: number; from: GpuSample['energyFrom'] }>();
  readonly #drawn = new Map<number, number>();
  #joules = 0;
  /** Of backends that are gone, and of GPUs that no backend uses. */
  #strayIdle = 0;
  #windowBeganMs: number;

  constructor({ backends, nowMs, windowMs = WINDOW_MS, keysMax = KEYS_MAX }: EnergyShareOptions) {
    this.#nowMs = nowMs;
    this.#windowMs = windowMs;
    this.#keysMax = keysMax;
    this.#windowBeganMs = nowMs();
    this.replaceBackends(backends);
  }

  replaceBackends(backends: readonly LocalBackend[]): void {
    const kept = new Map<string, BackendBook>();
    for (const { id, gpus } of backends) {
      const book = this.#books.get(id) ?? new BackendBook();
      book.gpus = gpus;
      kept.set(id, book);
    }
    for (const [id, book] of this.#books) {
      if (!kept.has(id)) this.#strayIdle += book.standing(id).idleJoules;
    }
    this.#books = kept;
  }

  served({ backend, key, tokens, tookMs }: ServedRequest): void {
    this.#books.get(backend)?.serve(key, tokens, this.#nowMs() - tookMs);
  }

  sampled(gpus: readonly GpuSample[]): void {
    for (const { index, energyJ, energyFrom } of gpus) {
      if (energyJ === null) continue;
      const last = this.#meters.get(index);
      this.#meters.set(index, { energyJ, from: energyFrom });
      // A driver that was loaded again counts from 0; what it drew meanwhile is not known.
      if (last === undefined || last.from !== energyFrom || energyJ < last.energyJ) continue;
      this.#drawn.set(index, (this.#drawn.get(index) ?? 0) + energyJ - last.energyJ);
    }
    const nowMs = this.#nowMs();
    if (nowMs - this.#windowBeganMs < this.#windowMs) return;
    this.#closeWindow();
    this.#windowBeganMs = nowMs;
  }

  standing(): EnergyStanding {
    const backends = [...this.#books].map(([id, book]) => book.standing(id));
    const all = [...this.#keys].map(([key, sums]) => ({ key, ...sums }));
    return {
      joules: this.#joules,
      idleJoules: backends.reduce((sum, { idleJoules }) => sum + idleJoules, this.#strayIdle),
      backends,
      keys: all.filter(({ key }) => key !== OTHERS).toSorted((a, b) => b.joules - a.joules),
      others: all.find(({ key }) => key === OTHERS) ?? null,
    };
  }

  #closeWindow(): void {
    for (const [gpu, joules] of this.#drawn) {
      this.#joules += joules;
      const users = [...this.#books.values()].filter((book) => book.uses(gpu));
      const tokens = users.reduce((sum, book) => sum + book.windowTokens, 0);
      for (const book of users) {
        book.draw(joules * (tokens > 0 ? book.windowTokens / tokens : 1 / users.length));
      }
      if (users.length === 0) this.#strayIdle += joules;
    }
    this.#drawn.clear();
    for (const book of this.#books.values()) {
      for (const [key, share] of book.settle(this.#windowBeganMs, this.#windowMs)) {
        this.#credit(key, share.joules, share.tokens);
      }
    }
  }

  #credit(key: string, joules: number, tokens: number): void {
    const isRoom = this.#keys.has(key) || this.#keys.size < this.#keysMax;
    const name = isRoom ? key : OTHERS;
    const sums = this.#keys.get(name) ?? { joules: 0, tokens: 0 };
    sums.joules += joules;
    sums.tokens += tokens;
    this.#keys.set(name, sums);
  }
}

class BackendBook {
  gpus: readonly number[] = [];
  windowTokens = 0;
  #byKey = new Map<string, number>();
  #oldestBeginMs = Number.POSITIVE_INFINITY;
  #windowJoules = 0;
  /** Of windows without tokens, oldest first. */
  #waiting: { readonly endMs: number; readonly joules: number }[] = [];
  #joules = 0;
  #idleJoules = 0;
  #tokens = 0;

  uses(gpu: number): boolean {
    return this.gpus.length === 0 || this.gpus.includes(gpu);
  }

  serve(key: string, tokens: number, beganMs: number): void {
    if (tokens <= 0) return;
    this.windowTokens += tokens;
    const name = this.#byKey.has(key) || this.#byKey.size < KEYS_MAX ? key : OTHERS;
    this.#byKey.set(name, (this.#byKey.get(name) ?? 0) + tokens);
    this.#oldestBeginMs = Math.min(this.#oldestBeginMs, beganMs);
  }

  draw(joules: number): void {
    this.#windowJoules += joules;
    this.#joules += joules;
  }

  /** Ends the window that began then; what each key had of it. */
  settle(beganMs: number, windowMs: number): Map<string, { joules: number; tokens: number }> {
    const shares = new Map<string, { joules: number; tokens: number }>();
    if (this.windowTokens === 0) {
      this.#waiting.push({ endMs: beganMs + windowMs, joules: this.#windowJoules });
      if (this.#waiting.length > WAITING_MAX)
        this.#idleJoules += this.#waiting.shift()?.joules ?? 0;
    } else {
      let joules = this.#windowJoules;
      for (const waiting of this.#waiting) {
        if (waiting.endMs > this.#oldestBeginMs) joules += waiting.joules;
        else this.#idleJoules += waiting.joules;
      }
      this.#waiting = [];
      for (const [key, tokens] of this.#byKey) {
        shares.set(key, { joules: (joules * tokens) / this.windowTokens, tokens });
      }
    }
    this.#tokens += this.windowTokens;
    this.windowTokens = 0;
    this.#windowJoules = 0;
    this.#byKey = new Map();
    this.#oldestBeginMs = Number.POSITIVE_INFINITY;
    return shares;
  }

  /** Without the window that is open. */
  standing(backend: string): BackendEnergy {
    const waitingJoules = this.#waiting.reduce((sum, { joules }) => sum + joules, 0);
    const idleJoules = this.#idleJoules + waitingJoules;
    const joules = this.#joules - this.#windowJoules;
    const tokens = this.#tokens;
    const joulesPer1kTokens = tokens === 0 ? null : ((joules - idleJoules) / tokens) * 1_000;
    return { backend, joules, idleJoules, tokens, joulesPer1kTokens };
  }
}

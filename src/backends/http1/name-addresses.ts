/**
 * The addresses of one host name. The system is asked anew for every connection: Bun's own answers
 * are half a minute old at times, also when nothing listens there any more. Asking costs a tenth of a
 * millisecond, and connections are kept.
 */
export class NameAddresses {
  readonly #lookUp: () => Promise<readonly string[]>;
  /** Connections that are begun together share an answer. */
  #asked: Promise<readonly string[]> | null = null;
  /** Handshakes under way, by address. One that hangs is among them for minutes. */
  readonly #dialing = new Map<string, number>();

  constructor(lookUp: () => Promise<readonly string[]>) {
    this.#lookUp = lookUp;
  }

  /**
   * In the order in which they should be tried: the system's, but those last where handshakes hang.
   * Rejects when there are none.
   */
  async find(): Promise<readonly string[]> {
    this.#asked ??= this.#lookUp().finally(() => {
      this.#asked = null;
    });
    const addresses = await this.#asked;
    if (this.#dialing.size === 0) return addresses;
    return addresses.toSorted((a, b) => this.#dialingAt(a) - this.#dialingAt(b));
  }

  /** A handshake is begun there. Returns what must be called when it is over. */
  begin(address: string): () => void {
    this.#dialing.set(address, this.#dialingAt(address) + 1);
    return () => {
      const left = this.#dialingAt(address) - 1;
      if (left > 0) this.#dialing.set(address, left);
      else this.#dialing.delete(address);
    };
  }

  #dialingAt(address: string): number {
    return this.#dialing.get(address) ?? 0;
  }
}

/** What the system says of a name: its files, its search domains, its servers, as they are now. */
export async function askSystem(hostname: string): Promise<readonly string[]> {
  const found = await Bun.dns.lookup(hostname, { backend: 'system', socketType: 'tcp' });
  // Both are what the name means (RFC 6761 §6.3), and many files of hosts have only one of them.
  const local = /(^|\.)localhost$/i.test(hostname) ? ['127.0.0.1', '::1'] : [];
  return [...new Set([...found.map(({ address }) => address), ...local])];
}

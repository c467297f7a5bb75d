/** Draws that a seed repeats exactly, on every machine. */
export interface Random {
  /** 0 up to 1, exclusive. */
  uniform(): number;
  /** An integer from 0 up to `below`, exclusive. */
  below(limit: number): number;
  /** Gamma-distributed with this shape and scale 1: mean and variance are `shape`. */
  gamma(shape: number): number;
}

/**
 * A generator for one purpose: equal seeds and purposes give equal draws, and what is drawn for
 * one purpose does not shift what is drawn for another.
 */
export function createRandom(seed: number, purpose: string): Random {
  const uniform = createUniform(mix(seed, purpose));
  return {
    uniform,
    below: (limit) => Math.floor(uniform() * limit),
    gamma: (shape) => drawGamma(shape, uniform),
  };
}

/** FNV-1a over the purpose, started from the seed. */
function mix(seed: number, purpose: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let at = 0; at < purpose.length; at += 1) {
    hash = Math.imul(hash ^ purpose.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash;
}

/** sfc32, a 128-bit chaotic generator that passes PractRand; seeded from one word. */
function createUniform(seed: number): () => number {
  let a = seed >>> 0;
  let b = (seed ^ 0x9e3779b9) >>> 0;
  let c = Math.imul(seed, 0x85ebca6b) >>> 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) >>> 0) + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = (b ^ (b >>> 9)) >>> 0;
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0;
    return sum / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 15; warmUp += 1) next();
  return next;
}

/** Marsaglia and Tsang 2000; below shape 1 with their boost. */
function drawGamma(shape: number, uniform: () => number): number {
  if (shape < 1) return drawGamma(shape + 1, uniform) * (1 - uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = drawNormal(uniform);
    const cube = (1 + c * normal) ** 3;
    if (cube <= 0) continue;
    const logChance = 0.5 * normal * normal + d - d * cube + d * Math.log(cube);
    if (Math.log(1 - uniform()) < logChance) return d * cube;
  }
}

/** Box and Muller; the second value is thrown away to keep no state. */
function drawNormal(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

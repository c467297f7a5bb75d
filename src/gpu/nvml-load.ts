import { dlopen } from 'bun:ffi';
import { NVML_FUNCTIONS, type NvmlCall, type NvmlTable } from './nvml-table.ts';

/** Loads NVML; what the library lacks is left out. Throws when there is no such library. */
export function loadNvml(path: string): NvmlTable {
  const names = Object.keys(NVML_FUNCTIONS).filter(isNvmlFunction);
  const found: Record<string, NvmlCall> = {};
  // One at a time: a single missing symbol makes `dlopen` refuse all that were asked for with it.
  for (const name of names) {
    const call = findSymbol(path, name);
    if (call !== null) found[name] = call;
  }
  if (found['nvmlInit_v2'] === undefined) throw new Error(`${path} cannot be used as NVML`);
  return found;
}

function isNvmlFunction(name: string): name is keyof typeof NVML_FUNCTIONS {
  return Object.hasOwn(NVML_FUNCTIONS, name);
}

function findSymbol(path: string, name: keyof typeof NVML_FUNCTIONS): NvmlCall | null {
  try {
    const { symbols } = dlopen(path, { [name]: { args: NVML_FUNCTIONS[name], returns: 'i32' } });
    return toCall(symbols[name]);
  } catch {
    return null;
  }
}

function toCall(symbol: unknown): NvmlCall | null {
  return typeof symbol === 'function' ? (...args) => Number(symbol(...args)) : null;
}

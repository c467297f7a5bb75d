/**
 * The functions of NVML that are used, with their arguments (nvml.h of CUDA 11 to 13). All return
 * `nvmlReturn_t`, an int. A device is an opaque pointer, which is carried as a 64-bit number.
 */
export const NVML_FUNCTIONS = {
  nvmlInit_v2: [],
  nvmlShutdown: [],
  nvmlSystemGetDriverVersion: ['ptr', 'u32'],
  nvmlDeviceGetCount_v2: ['ptr'],
  nvmlDeviceGetHandleByIndex_v2: ['u32', 'ptr'],
  nvmlDeviceGetName: ['u64', 'ptr', 'u32'],
  nvmlDeviceGetUUID: ['u64', 'ptr', 'u32'],
  nvmlDeviceGetUtilizationRates: ['u64', 'ptr'],
  nvmlDeviceGetMemoryInfo: ['u64', 'ptr'],
  nvmlDeviceGetPowerUsage: ['u64', 'ptr'],
  nvmlDeviceGetEnforcedPowerLimit: ['u64', 'ptr'],
  nvmlDeviceGetTotalEnergyConsumption: ['u64', 'ptr'],
  nvmlDeviceGetTemperature: ['u64', 'u32', 'ptr'],
  nvmlDeviceGetClockInfo: ['u64', 'u32', 'ptr'],
  nvmlDeviceGetMigMode: ['u64', 'ptr', 'ptr'],
  nvmlDeviceGetComputeRunningProcesses: ['u64', 'ptr', 'ptr'],
  nvmlDeviceGetComputeRunningProcesses_v2: ['u64', 'ptr', 'ptr'],
  nvmlDeviceGetComputeRunningProcesses_v3: ['u64', 'ptr', 'ptr'],
} as const satisfies Record<string, readonly ('ptr' | 'u32' | 'u64')[]>;

export type NvmlFunction = keyof typeof NVML_FUNCTIONS;

/** Numbers for `u32`, bigints for `u64`, a buffer for `ptr`. */
export type NvmlArgument = number | bigint | Uint8Array | Uint32Array | BigUint64Array;
export type NvmlCall = (...args: NvmlArgument[]) => number;

/** What a library has of them: an old one lacks some. */
export type NvmlTable = { readonly [Name in NvmlFunction]?: NvmlCall };

/** `nvmlReturn_t`, as far as the difference matters. */
export const NVML = {
  success: 0,
  uninitialized: 1,
  notSupported: 3,
  noPermission: 4,
  notFound: 6,
  insufficientSize: 7,
  driverNotLoaded: 9,
  functionNotFound: 13,
  gpuIsLost: 15,
  libraryMismatch: 18,
  unknown: 999,
} as const;

const MEANINGS: Readonly<Record<number, string>> = {
  [NVML.uninitialized]: 'NVML is not initialised',
  [NVML.notSupported]: 'not supported',
  [NVML.noPermission]: 'this user may not use the GPU devices',
  [NVML.driverNotLoaded]: 'the NVIDIA driver is not loaded',
  [NVML.functionNotFound]: 'the library is too old',
  [NVML.gpuIsLost]: 'a GPU has fallen off the bus',
  [NVML.libraryMismatch]: 'the NVIDIA library and the loaded driver have different versions',
};

export function explainNvml(code: number): string {
  return MEANINGS[code] ?? `NVML error ${code}`;
}

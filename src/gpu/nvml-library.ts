/** Where the driver puts NVML on every Linux distribution, found by the loader. */
export const NVML_LIBRARY = 'libnvidia-ml.so.1';

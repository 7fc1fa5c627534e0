/**
 * Opcodes of the protocols that are spoken here, in the order of their XML files: wayland.xml, wlr-output-management-unstable-v1.xml
 * (version 4) and wlr-output-power-management-unstable-v1.xml (version 1) of wlr-protocols.
 */
export const OUTPUT = {
  interface: "wl_output",
  version: 4,
  event: { geometry: 0, mode: 1, name: 4 },
  currentMode: 1,
} as const;

export const MANAGER = {
  interface: "zwlr_output_manager_v1",
  version: 4,
  request: { createConfiguration: 0 },
  event: { head: 0, done: 1 },
} as const;

export const HEAD_EVENT = { name: 0, mode: 3, enabled: 4, currentMode: 5, transform: 7, make: 10, model: 11, serial: 12 } as const;
export const MODE_EVENT = { size: 0, refresh: 1, preferred: 2 } as const;

export const CONFIGURATION = {
  request: { enableHead: 0, disableHead: 1, apply: 2 },
  event: { succeeded: 0, failed: 1, cancelled: 2 },
} as const;

export const CONFIGURATION_HEAD_REQUEST = { setMode: 0, setCustomMode: 1, setTransform: 3 } as const;

export const POWER_MANAGER = { interface: "zwlr_output_power_manager_v1", version: 1, request: { getOutputPower: 0 } } as const;

export const POWER = { request: { setMode: 0 }, event: { mode: 0, failed: 1 }, off: 0, on: 1 } as const;

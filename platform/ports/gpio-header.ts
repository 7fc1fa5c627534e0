import type { GpioLineSetup } from "./gpio-lines.ts";

/** Header pin of each BCM line from GPIO0 on. On every model with 40 pins the header's lines are the chip's first 28. */
const HEADER_PINS = [27, 28, 3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13] as const;

/** Lines that the board uses for something that does not come back after they were released. */
const RESERVED: Readonly<Record<number, string>> = {
  0: "the identity memory of an add-on board",
  1: "the identity memory of an add-on board",
  14: "the serial port (TXD)",
  15: "the serial port (RXD)",
};

/** The lines of a Raspberry Pi's 40-pin header: `GPIO17` is also `PIN11` and `BCM17`. */
export const HEADER_LINES: readonly GpioLineSetup[] = HEADER_PINS.map((pin, offset) => {
  const reservedFor = RESERVED[offset];
  return { name: `GPIO${offset}`, aliases: [`PIN${pin}`, `BCM${offset}`], offset, ...(reservedFor !== undefined && { reservedFor }) };
});

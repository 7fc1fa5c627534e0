import { expect, test } from "vitest";
import { encodeLineRequest, GPIO_CALL } from "./gpio-abi.ts";

test("calls are those of linux/gpio.h", () => {
  expect(GPIO_CALL).toEqual({ chipInfo: 0x8044b401, lineInfo: 0xc100b405, requestLine: 0xc250b407, setConfig: 0xc110b40d, getValues: 0xc010b40e, setValues: 0xc010b40f });
});

test.each([
  ["exactly 31 bytes stay", "abcdefghijklmnopqrstuvwxyz01234", "abcdefghijklmnopqrstuvwxyz01234"],
  ["a letter of two bytes is not cut in half", "abcdefghijklmnopqrstuvwxyz0123ä", "abcdefghijklmnopqrstuvwxyz0123"],
])("a consumer's name: %s", (_what, name, kept) => {
  const field = encodeLineRequest({ offset: 0, consumer: name, flags: 0 }).subarray(256, 288);
  expect(field.toString("utf8", 0, field.indexOf(0))).toBe(kept);
});

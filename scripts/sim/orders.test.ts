import { expect, it } from "vitest";
import { Orders } from "./orders.ts";

it("assigns an order to the only running command with its name and parameters", () => {
  const orders = new Orders();
  orders.begins("d", "a:1", "gpio.write", { line: "GPIO27", level: 1 });
  expect(orders.commandOf("d", "gpio.write", ["GPIO27", 1])).toBe("a:1");
  expect(orders.commandOf("d", "gpio.write", ["GPIO27", 0])).toBeUndefined();
  expect(orders.commandOf("other", "gpio.write", ["GPIO27", 1])).toBeUndefined();
  orders.ends("d", "a:1");
  expect(orders.commandOf("d", "gpio.write", ["GPIO27", 1])).toBeUndefined();
});

it("assigns an order to no command while two commands want the same", () => {
  const orders = new Orders();
  orders.begins("d", "a:1", "display.power", { on: true });
  orders.begins("d", "b:1", "display.power", { on: true });
  expect(orders.commandOf("d", "display.power", [true])).toBeUndefined();
  orders.ends("d", "a:1");
  expect(orders.commandOf("d", "display.power", [true])).toBe("b:1");
});

it("assigns an order to no command if a desired document may have caused it", () => {
  const orders = new Orders();
  orders.begins("d", "a:1", "audio.volume", { percent: 40 });
  orders.begins("d", "b:1", "display.power", { on: false });
  expect(orders.commandOf("d", "audio.volume", [40])).toBe("a:1");
  orders.wants("d", { audio: { volume: 40 }, display: { power: "schedule" } });
  expect(orders.commandOf("d", "audio.volume", [40])).toBeUndefined();
  expect(orders.commandOf("d", "display.power", [false])).toBeUndefined();
});

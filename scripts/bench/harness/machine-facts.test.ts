import { expect, test } from "vitest";
import { mountOf } from "./machine-facts.ts";

test("the mount with the device number is found, whatever optional fields precede the dash", () => {
  const text = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n30 22 0:26 / /tmp rw,nosuid shared:9 master:1 - tmpfs tmpfs rw,size=1024k\n";
  expect(mountOf(text, "254:0")).toEqual({ type: "ext4", source: "/dev/vda" });
  expect(mountOf(text, "0:26")).toEqual({ type: "tmpfs", source: "tmpfs" });
  expect(mountOf(text, "8:1")).toBeUndefined();
});

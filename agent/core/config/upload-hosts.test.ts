import { expect, test } from "vitest";
import { validate } from "../../protocol/codec.ts";
import { UploadHostsSchema } from "../../protocol/upload-address.ts";
import { CONFIG } from "./config-table.ts";
import { readTextValue } from "./config-type.ts";

test("configuration and desired state accept the same hosts", () => {
  const { type } = CONFIG["cloud.uploadHosts"];
  for (const good of ["uploads.example", ".storage.example,store.example:8443", "10.0.0.1", "[2001:db8::1]:443", ""]) {
    expect([good, readTextValue(type, good).ok]).toEqual([good, true]);
    expect(validate(UploadHostsSchema, good.split(",").filter((host) => host !== ""), "hosts").ok).toBe(true);
  }
  for (const bad of ["https://uploads.example", "uploads.example/", "*", "a b", "uploads..example", "-x.example"]) {
    expect([bad, readTextValue(type, bad).ok]).toEqual([bad, false]);
    expect(validate(UploadHostsSchema, [bad], "hosts").ok).toBe(false);
  }
});

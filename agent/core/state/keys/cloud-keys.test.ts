import { describe, expect, test } from "vitest";
import { seen } from "../../../../platform/ports/reading.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import type { DesiredDocument } from "../../../protocol/desired.ts";
import { endpointsKey, uploadHostsKey, type KeyTarget } from "./setting-keys.ts";

const never = new AbortController().signal;

describe("cloud.endpoints", () => {
  const target: KeyTarget<readonly string[]> = {
    observe: () => Promise.resolve(seen(["wss://cloud.test/"], 0)),
    apply: () => Promise.reject(new Error("nothing is to be applied here")),
  };
  const document: DesiredDocument = { cloud: { endpoints: ["wss://cloud.test/", "ws://10.0.0.5/"] } };

  test("is refused with a code when an endpoint is plain text to another machine", () => {
    expect(endpointsKey(target).wanted(document)).toMatchObject({ kind: "refused", error: { code: "link.plain-refused" } });
    expect(endpointsKey(target).wanted({ cloud: { endpoints: ["ws://127.0.0.1:4600/"] } })).toMatchObject({ kind: "value" });
  });

  test("is accepted when the owner allows plain text, and unmanaged when the document names none", () => {
    expect(endpointsKey(target, true).wanted(document)).toMatchObject({ kind: "value" });
    expect(endpointsKey(target).wanted({ cloud: { uploadHosts: [] } })).toBeUndefined();
  });
});

test("cloud.uploadHosts follows the document at once, and the configuration when the document has none", async () => {
  let document: DesiredDocument = { cloud: { uploadHosts: ["store.example"] } };
  const key = uploadHostsKey(new VirtualTime(), () => document.cloud?.uploadHosts ?? ["configured.example"]);
  const wanted = key.wanted(document);
  const observed = await key.observe(never);
  if (wanted?.kind !== "value" || observed.kind !== "ok") throw new Error("no value");
  expect(key.compare(wanted.value, observed.value)).toBe("same");
  document = {};
  expect(key.wanted(document)).toBeUndefined();
  expect(await key.observe(never)).toMatchObject({ kind: "ok", value: ["configured.example"] });
});

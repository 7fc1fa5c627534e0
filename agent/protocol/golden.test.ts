import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { nodeCrypto } from "../../platform/linux/node-crypto.ts";
import { fromBase64Url } from "../../platform/runtime/encoding.ts";
import { isJsonObject, type Json, type JsonObject } from "../../platform/runtime/json.ts";
import { CloudMessageSchema } from "./cloud-messages.ts";
import { decodeCloudMessage, decodeDeviceMessage, encodeMessage } from "./codec.ts";
import { CancelPayloadSchema, CommandPayloadSchema } from "./commands/payload.ts";
import { DesiredPayloadSchema } from "./desired.ts";
import { DeviceMessageSchema, type Hello } from "./device-messages.ts";
import { RECORD_BODIES } from "./records.ts";
import { helloBytes, signedBytes, type Signed, type SignedPurpose } from "./signed.ts";

/**
 * The golden messages are frozen: other people's clouds and devices are written against them. A change of the
 * schemas that makes one of these tests fail breaks version 1.
 */
const FOLDER = join(import.meta.dirname, "golden");
const golden = readdirSync(FOLDER).map((file) => {
  const [from = "", name = ""] = file.split(".");
  return { from, name, message: JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as JsonObject };
});

const decode = (from: string, message: Json): ReturnType<typeof decodeDeviceMessage> | ReturnType<typeof decodeCloudMessage> =>
  from === "device" ? decodeDeviceMessage(JSON.stringify(message)) : decodeCloudMessage(JSON.stringify(message));

describe("golden messages", () => {
  test("exist for every type", () => {
    const types = (from: string): unknown =>
      new Set(golden.filter((entry) => entry.from === from).map(({ message }) => message["t"]));
    expect(types("device")).toEqual(new Set(DeviceMessageSchema.options.map((option) => option.entries.t.literal)));
    expect(types("cloud")).toEqual(new Set(CloudMessageSchema.options.map((option) => option.entries.t.literal)));
  });

  test.each(golden)("$from $name is decoded completely and encoded to the same text", ({ from, message }) => {
    const decoded = decode(from, message);
    expect(decoded).toEqual({ ok: true, value: message });
    expect(decoded.ok && JSON.parse(encodeMessage(decoded.value))).toEqual(message);
  });

  test.each(golden)("$from $name is refused without a required field and with any field of another type", ({ from, message }) => {
    const schema = [...DeviceMessageSchema.options, ...CloudMessageSchema.options].find(
      (option) => option.entries.t.literal === message["t"],
    );
    for (const key of Object.keys(message).filter((name) => name !== "t")) {
      const { [key]: _dropped, ...rest } = message;
      const entry = schema?.entries[key as keyof typeof schema.entries] as v.GenericSchema | undefined;
      expect([key, decode(from, rest).ok]).toEqual([key, entry?.type === "optional"]);
      const wrong = typeof message[key] === "object" ? 7 : [{ x: 1 }];
      expect([key, decode(from, { ...message, [key]: wrong }).ok]).toEqual([key, false]);
    }
  });

  test.each(golden)("$from $name means the same with additional fields", ({ from, message }) => {
    expect(decode(from, { ...message, later: { than: "version 1" } })).toEqual({ ok: true, value: message });
  });

  test("record bodies match the schema of their kind", () => {
    const bodies = golden.flatMap(({ message }) =>
      Array.isArray(message["records"])
        ? (message["records"] as readonly JsonObject[]).map((record) => ({
            stream: message["stream"],
            kind: record["kind"],
            body: record["body"],
          }))
        : [],
    );
    expect(bodies.length).toBeGreaterThan(5);
    for (const { stream, kind, body } of bodies) {
      const schema =
        RECORD_BODIES[kind === "gap" ? "*/gap" : stream === "event" ? "event/*" : `${stream as string}/${kind as string}`];
      expect([stream, kind, schema !== undefined && v.safeParse(schema, body).success]).toEqual([stream, kind, true]);
    }
  });
});

describe("golden signatures", () => {
  const find = (name: string): JsonObject => golden.find((entry) => entry.name === name)?.message ?? {};
  const bytes = (text: unknown): Uint8Array => fromBase64Url(typeof text === "string" ? text : "?") ?? new Uint8Array();
  const hello = find("hello") as unknown as Hello;
  const owner = find("owner-claimed")["owner"];
  const ownerKey = bytes(isJsonObject(owner) ? owner["commandKey"] : undefined);

  test("the hello is signed over its transcript", async () => {
    const { deviceId, audience, bootId, epoch } = hello;
    const nonce = find("challenge")["nonce"] as string;
    expect(
      await nodeCrypto.verifyEd25519(
        bytes(hello.publicKey),
        helloBytes({ nonce, deviceId, audience, bootId, epoch }),
        bytes(hello.signature),
      ),
    ).toBe(true);
  });

  test.each<[string, string, SignedPurpose, v.GenericSchema | undefined]>([
    ["command", "signed", "command", CommandPayloadSchema],
    ["cancel", "signed", "cancel", CancelPayloadSchema],
    ["desired", "signed", "desired", DesiredPayloadSchema],
    ["owner-released", "release", "release", undefined],
  ])("%s is signed by the owner for its purpose alone, and its payload fits", async (name, field, purpose, schema) => {
    const signed = find(name)[field] as unknown as Signed;
    const valid = (as: SignedPurpose): Promise<boolean> =>
      nodeCrypto.verifyEd25519(ownerKey, signedBytes(as, signed.payload), bytes(signed.signature));
    expect(await valid(purpose)).toBe(true);
    expect(await valid(purpose === "command" ? "cancel" : "command")).toBe(false);
    const payload: unknown = JSON.parse(signed.payload);
    expect(payload).toMatchObject({ device: hello.deviceId });
    expect(schema === undefined || v.safeParse(schema, payload).success).toBe(true);
  });
});

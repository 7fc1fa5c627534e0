import { beforeEach, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { ok, type Result } from "../../../platform/ports/result.ts";
import type { CloudMessageOf, Owner } from "../../protocol/cloud-messages.ts";
import type { Signed } from "../../protocol/signed.ts";
import { storageFailure, type StorageIssue } from "../storage/document-store.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { welcomeOf } from "../cloud/testing/scripted-transport.ts";
import { Ownership, type OwnershipDeps } from "./ownership.ts";
import { testOwner, type TestOwner } from "./testing/test-owner.ts";
import { signatureVerifier } from "./verify.ts";

const deviceId = "0123456789abcdef0123456789abcdef";
const UNCLAIMED: Owner = { kind: "unclaimed" };
let first: TestOwner;
let second: TestOwner;
let documents: MemoryDocumentStore;

beforeEach(async () => {
  first = await testOwner("first");
  second = await testOwner("second");
  documents = new MemoryDocumentStore();
});

const load = (over: Partial<OwnershipDeps> = {}): Promise<Ownership> => Ownership.load({ documents, crypto: nodeCrypto, deviceId, log: silentLog, ...over });
const welcome = (owner: Owner): CloudMessageOf<"welcome"> => welcomeOf("s", { owner });
const told = (owner: Owner, release?: Signed): CloudMessageOf<"owner"> => ({ t: "owner", owner, ...(release === undefined ? {} : { release }) });
const codeOf = (result: Result<unknown>): string => (result.ok ? "ok" : result.error.code);

async function claimedByFirst(): Promise<Ownership> {
  const ownership = await load();
  const owner = first.claimed();
  expect(codeOf(await ownership.accept(owner, welcome(owner)))).toBe("ok");
  return ownership;
}

describe("the owner", () => {
  test("the first claim is trusted, on disk when accepted, and survives a restart", async () => {
    const changes: string[] = [];
    const ownership = await load();
    ownership.onChange((change) => changes.push(change.kind));
    expect(ownership.owner()).toBeUndefined();
    expect(codeOf(await ownership.accept(UNCLAIMED, welcome(UNCLAIMED)))).toBe("ok");
    expect(codeOf(await ownership.accept(first.claimed(), told(first.claimed())))).toBe("ok");
    expect(codeOf(await ownership.accept(first.claimed(), welcome(first.claimed())))).toBe("ok");
    expect(changes).toEqual(["claimed"]);
    expect((await load()).owner()).toEqual({ name: "first", commandKey: first.commandKey, fingerprint: first.fingerprint });
  });

  test("another key is refused, unless the current one endorses it for this device", async () => {
    const ownership = await claimedByFirst();
    const plain = second.claimed();
    expect(codeOf(await ownership.accept(plain, welcome(plain)))).toBe("owner.key-mismatch");
    const otherDevice = second.claimed({ endorsement: await first.endorse("f".repeat(32), second) });
    const byItself = second.claimed({ endorsement: await second.endorse(deviceId, second) });
    const lying = second.claimed({ endorsement: { ...(await second.endorse(deviceId, second)), by: first.fingerprint } });
    for (const bad of [otherDevice, byItself, lying]) expect(codeOf(await ownership.accept(bad, welcome(bad)))).toBe("owner.endorsement-invalid");
    expect(ownership.owner()?.fingerprint).toBe(first.fingerprint);
    const good = second.claimed({ endorsement: await first.endorse(deviceId, second) });
    expect(codeOf(await ownership.accept(good, welcome(good)))).toBe("ok");
    expect((await load()).owner()?.fingerprint).toBe(second.fingerprint);
  });

  test("a cloud that forgot the claim does not take the owner away", async () => {
    const ownership = await claimedByFirst();
    expect(codeOf(await ownership.accept(UNCLAIMED, welcome(UNCLAIMED)))).toBe("ok");
    expect(codeOf(await ownership.accept(UNCLAIMED, told(UNCLAIMED)))).toBe("owner.release-unsigned");
    expect(ownership.owner()?.fingerprint).toBe(first.fingerprint);
  });

  test("a release is accepted only if signed by the owner as a release, for this device, with a number above all used ones", async () => {
    let highest = 6;
    const ownership = await load({ highestNumber: async () => ok(highest) });
    await ownership.accept(first.claimed(), welcome(first.claimed()));
    const payload = { device: deviceId, number: 7, issuedMs: 1 };
    const wrong: [string, Signed][] = [
      ["owner.release-invalid", await second.sign("release", payload)],
      ["owner.release-invalid", await first.sign("command", payload)],
      ["owner.release-invalid", await first.sign("release", { ...payload, device: "f".repeat(32) })],
      ["owner.release-invalid", await first.sign("release", { device: deviceId })],
      ["owner.release-invalid", await first.sign("release", { ...payload, number: 0 })],
      ["owner.release-replayed", await first.sign("release", { ...payload, number: 6 })],
    ];
    for (const [code, release] of wrong) expect(codeOf(await ownership.accept(UNCLAIMED, told(UNCLAIMED, release)))).toBe(code);
    expect(ownership.owner()).toBeDefined();
    const release = await first.sign("release", payload);
    expect(codeOf(await ownership.accept(UNCLAIMED, told(UNCLAIMED, release)))).toBe("ok");
    expect((await load()).owner()).toBeUndefined();
    // Claimed again by the same owner; the old release is replayed.
    highest = 0;
    await ownership.accept(first.claimed(), welcome(first.claimed()));
    expect(codeOf(await ownership.accept(UNCLAIMED, told(UNCLAIMED, release)))).toBe("owner.release-replayed");
    expect(ownership.owner()?.fingerprint).toBe(first.fingerprint);
  });

  test("the owner's highest known number is returned, and none without an owner or on a disk error", async () => {
    let highest = 41;
    const ownership = await load({ highestNumber: async () => ok(highest) });
    expect(await ownership.numberHigh()).toBeUndefined();
    await ownership.accept(first.claimed(), welcome(first.claimed()));
    expect(await ownership.numberHigh()).toBe(41);
    await ownership.accept(UNCLAIMED, told(UNCLAIMED, await first.sign("release", { device: deviceId, number: 50, issuedMs: 1 })));
    await ownership.accept(first.claimed(), welcome(first.claimed()));
    expect(await ownership.numberHigh()).toBe(50);
    highest = 60;
    expect(await ownership.numberHigh()).toBe(60);
    const broken = await load({ highestNumber: async () => storageFailure("storage.io", "no") });
    expect(await broken.numberHigh()).toBeUndefined();
  });

  test("a release is not obeyed while the disk cannot say which numbers were used, and is once it can", async () => {
    let journal: Result<number, StorageIssue> = storageFailure("storage.io", "input/output error");
    const ownership = await load({ highestNumber: async () => journal });
    await ownership.accept(first.claimed(), welcome(first.claimed()));
    const release = told(UNCLAIMED, await first.sign("release", { device: deviceId, number: 7, issuedMs: 1 }));
    expect(codeOf(await ownership.accept(UNCLAIMED, release))).toBe("owner.release-unchecked");
    expect(ownership.owner()?.fingerprint).toBe(first.fingerprint);
    journal = ok(6);
    expect(codeOf(await ownership.accept(UNCLAIMED, release))).toBe("ok");
  });

  test("an unknown kind of owner changes nothing", async () => {
    const ownership = await claimedByFirst();
    const unknown: Owner = { kind: "unknown" };
    expect(codeOf(await ownership.accept(unknown, welcome(unknown)))).toBe("ok");
    expect(codeOf(await ownership.accept(unknown, told(unknown)))).toBe("ok");
    expect(ownership.owner()?.fingerprint).toBe(first.fingerprint);
  });

  test("a claim that cannot be stored is not accepted", async () => {
    const ownership = await load();
    documents.failWith = "storage.full";
    expect(codeOf(await ownership.accept(first.claimed(), welcome(first.claimed())))).toBe("owner.not-stored");
    expect(ownership.owner()).toBeUndefined();
  });

  test("a provisioned key is the only one that may claim", async () => {
    const ownership = await load({ expectedKey: second.commandKey });
    expect(codeOf(await ownership.accept(first.claimed(), welcome(first.claimed())))).toBe("owner.key-mismatch");
    expect(codeOf(await ownership.accept(second.claimed(), welcome(second.claimed())))).toBe("ok");
  });

  test("a damaged record counts as none; a new display name is not a new owner", async () => {
    const ownership = await claimedByFirst();
    const renamed = first.claimed({ name: "First & Sons" });
    const changes: string[] = [];
    ownership.onChange((change) => changes.push(change.kind));
    expect(codeOf(await ownership.accept(renamed, welcome(renamed)))).toBe("ok");
    expect(changes).toEqual(["renamed"]);
    expect((await load()).owner()?.name).toBe("First & Sons");
  });

  test("one damaged copy of the record is replaced by the other; with both damaged there is no owner, and the damage is known", async () => {
    await claimedByFirst();
    const damages = [undefined, '{"name":5}', JSON.stringify({ name: "x", commandKey: second.commandKey, fingerprint: first.fingerprint }), "broken"];
    const good = documents.disk.get("owner") ?? "";
    const damageOf = async (): Promise<[string | undefined, string | undefined]> => {
      const { damage, ...ownership } = await load().then((loaded) => ({ damage: loaded.damage, fingerprint: loaded.owner()?.fingerprint }));
      return [ownership.fingerprint, damage?.code];
    };
    for (const text of damages) {
      for (const key of ["owner", "owner.copy"]) {
        if (text === undefined) documents.disk.delete(key);
        else documents.disk.set(key, text);
        expect(await damageOf()).toEqual([first.fingerprint, undefined]);
        documents.disk.set(key, good);
      }
    }
    for (const text of damages.slice(1)) {
      for (const key of ["owner", "owner.copy"]) documents.disk.set(key, text ?? "");
      expect(await damageOf()).toEqual([undefined, "owner.damaged"]);
    }
  });
});

describe("a signature of the owner", () => {
  test("is valid only for its purpose, its key and its bytes", async () => {
    const nobody = signatureVerifier(await load(), nodeCrypto);
    const signed = await first.sign("command", { device: deviceId });
    expect(codeOf(await nobody(signed, "command"))).toBe("owner.unclaimed");
    const verify = signatureVerifier(await claimedByFirst(), nodeCrypto);
    expect(await verify(signed, "command")).toEqual({ ok: true, value: signed.payload });
    expect(codeOf(await verify(signed, "cancel"))).toBe("signature.invalid");
    expect(codeOf(await verify({ ...signed, payload: `${signed.payload} ` }, "command"))).toBe("signature.invalid");
    expect(codeOf(await verify(await second.sign("command", {}), "command"))).toBe("signature.wrong-key");
    expect(codeOf(await verify({ ...(await second.sign("command", {})), key: first.fingerprint }, "command"))).toBe("signature.invalid");
  });
});

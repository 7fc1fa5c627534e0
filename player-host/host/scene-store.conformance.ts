import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog, type Log } from "../../platform/ports/log.ts";
import type { StageScene } from "../contract/link-messages.ts";
import { SceneStore } from "./scene-store.ts";
import type { TextStore } from "./text-store.ts";

/** A place for one text that outlives the stores opened on it. */
export interface TextUnderTest {
  /** Opens it as the next process would. */
  open(): TextStore;
  /** Replaces the text. */
  damage(text: string): void;
  /** Makes it unreadable and unwritable, and usable again. */
  obstruct(): void;
  clear(): void;
  dispose(): Promise<void>;
}

/** The suite for a stored scene on every implementation of `TextStore`. */
export function describeSceneStore(name: string, make: () => Promise<TextUnderTest>): void {
  describe(`the scene kept in ${name}`, () => {
    const scene: StageScene = { kind: "offline", message: "mä𝄞" };
    const context = { device: { id: "d" }, config: {} };
    let place: TextUnderTest;
    let said: string[];
    const log: Log = { ...silentLog, warn: (_fields, message) => void said.push(message), error: (_fields, message) => void said.push(message) };

    beforeEach(async () => {
      said = [];
      place = await make();
    });
    afterEach(() => place.dispose());

    const open = (): SceneStore => new SceneStore(place.open(), log);

    test("is there after a restart, with the page's context and the proxy settings", async () => {
      const kept = { scene, context, wayOut: { proxy: "http://proxy.site:3128" } };
      await open().save(kept);
      expect(await open().load()).toEqual({ version: 1, ...kept });
    });

    test("is the last one stored when several are stored at once", async () => {
      const store = open();
      await store.save({ scene });
      await Promise.all([store.save({ scene: { kind: "blank" } }), store.save({ scene: { kind: "blank" }, context }), store.save({ scene, context })]);
      expect(await open().load()).toEqual({ version: 1, scene, context });
    });

    test("counts as none when damaged, which is reported, and when there never was one", async () => {
      expect(await open().load()).toEqual({ version: 1 });
      expect(said).toEqual([]);
      await open().save({ scene });
      for (const text of ["", "{", '{"version":2}', '{"version":1,"scene":{"kind":"surprise"}}', "\0\0\0"]) {
        place.damage(text);
        expect(await open().load()).toEqual({ version: 1 });
        expect(said.splice(0)).toEqual(["the kept scene is damaged and not used"]);
      }
    });

    test("a failing disk is reported and stops nothing; the same scene is stored once the disk accepts it", async () => {
      const store = open();
      place.obstruct();
      expect(await store.load()).toEqual({ version: 1 });
      await store.save({ scene });
      expect(said).toEqual(["the kept scene could not be read", "the scene could not be kept"]);
      place.clear();
      await store.save({ scene });
      expect(await open().load()).toEqual({ version: 1, scene });
    });
  });
}

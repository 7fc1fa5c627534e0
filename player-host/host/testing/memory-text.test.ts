import { describeSceneStore } from "../scene-store.conformance.ts";
import { MemoryText } from "./memory-text.ts";

describeSceneStore("memory", () => {
  const memory = new MemoryText();
  return Promise.resolve({
    open: () => memory.open(),
    damage: (text) => void (memory.text = text),
    obstruct: () => void (memory.obstructed = true),
    clear: () => void (memory.obstructed = false),
    dispose: () => Promise.resolve(),
  });
});

import { cloudStoreConformance } from "./cloud-store.conformance.ts";
import { MemoryStore } from "./memory-store.ts";

cloudStoreConformance("MemoryStore", () => ({ open: () => new MemoryStore(), end: () => {} }));

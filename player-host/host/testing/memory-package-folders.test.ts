import { describePackageFolders } from "../package-folders.conformance.ts";
import { MemoryPackageFolders } from "./memory-package-folders.ts";

describePackageFolders("memory", () => {
  const folders = new MemoryPackageFolders();
  return Promise.resolve({
    folders,
    unpack: async (files) => {
      const folder = `/p${folders.packages.size}`;
      folders.packages.set(folder, files);
      return folder;
    },
    remove: async (folder) => void folders.packages.delete(folder),
    dispose: () => Promise.resolve(),
  });
});

import { contextBridge, ipcRenderer } from "electron";
import { installPageApi } from "../../page-api/page-api.dom.ts";
import { TO_HOST, TO_PAGE } from "./page-channel.ts";

/**
 * Runs sandboxed, before the page, in a world of its own. What reaches the page's world is a way to send a
 * text and a way to get one, and on it the same API as on every shell; no object of Electron does.
 */
if (process.isMainFrame) {
  contextBridge.executeInMainWorld({
    func: installPageApi,
    args: [
      (receive: (text: string) => void) => {
        ipcRenderer.on(TO_PAGE, (_event, text: unknown) => {
          if (typeof text === "string") receive(text);
        });
        return (text: string): void => ipcRenderer.send(TO_HOST, text);
      },
    ],
  });
}

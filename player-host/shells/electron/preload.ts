import { contextBridge, ipcRenderer } from "electron";
import { installPageApi } from "../../page-api/page-api.dom.ts";
import { TO_HOST, TO_PAGE } from "./page-channel.ts";

/**
 * Runs sandboxed, before the page, in an isolated world. The page's world gets the page API over a function to send text
 * and one to receive it, and no object of Electron.
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

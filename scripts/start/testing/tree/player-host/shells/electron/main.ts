/** Never run: the Electron of these tests is a stand-in itself. */
export {};

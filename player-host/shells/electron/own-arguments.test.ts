import { expect, test } from "vitest";
import { ownArguments } from "./own-arguments.ts";

test.each<[string, string[], boolean]>([
  ["packaged", ["/opt/vitrine-player", "--data", "/d"], true],
  ["packaged, with the browser's own switches among them", ["/opt/vitrine-player", "--no-sandbox", "--data", "/d", "--ozone-platform=wayland"], true],
  ["the app's path first", ["electron", "main.js", "--data", "/d"], false],
  ["as root: the switch before the app's path", ["electron", "--no-sandbox", "main.js", "--data", "/d"], false],
  ["as root: the switch after the app's path", ["electron", "main.js", "--no-sandbox", "--data", "/d"], false],
  ["several switches on both sides", ["electron", "--no-sandbox", "--disable-gpu", "main.js", "--data", "/d", "--use-angle=swiftshader"], false],
])("the host's own arguments are found: %s", (_name, argv, isPackaged) => {
  expect(ownArguments(argv, isPackaged)).toEqual(["--data", "/d"]);
});

test("an unknown option is left for the host to refuse", () => {
  expect(ownArguments(["electron", "main.js", "--dta", "/d"], false)).toEqual(["--dta", "/d"]);
});

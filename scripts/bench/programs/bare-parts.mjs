// The smallest possible Node agent: opens a database, makes a key, signs with it, loads a WebSocket client, and idles.
// `bare-parts.mjs FOLDER`. Plain JavaScript, because stripping types costs memory.
import { generateKeyPairSync, sign } from "node:crypto";
import Database from "better-sqlite3";
import "ws";

const database = new Database(`${process.argv[2]}/bare.sqlite`);
database.pragma("journal_mode = WAL");
database.exec("CREATE TABLE record (seq INTEGER PRIMARY KEY, body TEXT)");
database.prepare("INSERT INTO record (body) VALUES (?)").run("one");
sign(null, Buffer.from("hello"), generateKeyPairSync("ed25519").privateKey);
console.log('{"ready":true}');
setInterval(() => {}, 1e6);

// An application in Node.js whose SQLite is better-sqlite3: built without SQLite's mutexes for
// threads that share a connection (SQLITE_THREADSAFE=2), and with one of its own compiled in.
//
//   node host.mjs FILE EXTENSION URL NAME COUNT
//
// Writes COUNT rows while others do, and prints how many rows it has when all is synced.
import Database from 'better-sqlite3';

const [file, extension, url, name, count] = process.argv.slice(2);
const db = new Database(file); // with a busy_timeout of 5 seconds, unless told otherwise
db.pragma('journal_mode = WAL');
db.loadExtension(extension);
db.exec('CREATE TABLE IF NOT EXISTS item(id TEXT PRIMARY KEY NOT NULL, qty INTEGER)');
db.prepare("SELECT rejoin_track('item')").get();
db.prepare('SELECT rejoin_connect(?)').get(url);

const insert = db.prepare('INSERT INTO item VALUES(?, ?)');
for (let number = 0; number < Number(count); number += 1) {
  insert.run(`${name}${number}`, number);
  // A turn of the event loop now and then, as an application has.
  if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}
const synced = db.prepare('SELECT rejoin_wait_synced(40000) AS synced').get().synced;
if (synced !== 1) throw new Error(db.prepare('SELECT rejoin_status() AS status').get().status);

console.log('written');
for await (const line of process.stdin) {
  if (String(line).trim() === 'count') {
    db.prepare('SELECT rejoin_wait_synced(60000)').get();
    console.log(db.prepare('SELECT count(*) AS count FROM item').get().count);
    console.log(db.prepare('SELECT rejoin_digest() AS digest').get().digest);
    break;
  }
}
db.close();

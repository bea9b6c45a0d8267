// What lies in the browser while there is no network: closed, for one account each.
//
// The key comes from the hall after signing in and cannot be taken out of the browser's own keeping. It goes when
// somebody signs out, when somebody else signs in, and after a working day; what it closed stays, and can be read
// again only after its owner has signed in at a device that the hall still knows.
"use strict";

const Store = (() => {
  const NAME = "hallnet-offline";
  const KEY_MILLISECONDS = 12 * 3600 * 1000;
  const text = new TextEncoder();
  let database = null;

  function opened() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        const made = request.result;
        made.createObjectStore("keys", { keyPath: "account" });
        made.createObjectStore("items", { keyPath: ["account", "id"] });
        made.createObjectStore("files", { keyPath: ["account", "id"] });
        made.createObjectStore("kept", { keyPath: ["account", "id"] });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  async function run(store, mode, work) {
    database ??= await opened();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(store, mode, { durability: "strict" });
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  const bound = (session, store, id) => text.encode(`${store}/${session.account}/${id}`);

  async function close(session, store, id, bytes) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const way = { name: "AES-GCM", iv, additionalData: bound(session, store, id) };
    return { iv, data: await crypto.subtle.encrypt(way, session.key, bytes) };
  }

  async function open(session, store, record) {
    const way = {
      name: "AES-GCM", iv: record.closed.iv, additionalData: bound(session, store, record.id),
    };
    return crypto.subtle.decrypt(way, session.key, record.closed.data);
  }

  const mine = (session) => IDBKeyRange.bound([session.account], [session.account, []]);
  const parsed = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

  return {
    // Who works here without a network; keys of others go.
    async begin(session, rawKey) {
      const key = await crypto.subtle.importKey("raw", rawKey, "AES-GCM", false, ["encrypt", "decrypt"]);
      await this.forgetKeys();
      const kept = { ...session, key, until: Date.now() + KEY_MILLISECONDS };
      await run("keys", "readwrite", (store) => store.put(kept));
      return kept;
    },
    async session() {
      const [kept] = await run("keys", "readonly", (store) => store.getAll());
      if (kept?.until > Date.now()) return kept;
      if (kept?.key) await this.forgetKeys();
      return null;
    },
    forgetKeys: () => run("keys", "readwrite", (store) => store.clear()),
    // Somebody hands the device on: the session at the hall has to end too, as soon as there is a network.
    async lock() {
      await this.forgetKeys();
      await run("keys", "readwrite", (store) => store.put({ account: "", until: 0 }));
    },
    isLocked: async () => (await run("keys", "readonly", (store) => store.count(""))) > 0,

    async put(session, store, id, value) {
      const closed = await close(session, store, id, text.encode(JSON.stringify(value)));
      await run(store, "readwrite", (found) => found.put({ account: session.account, id, closed }));
    },
    async get(session, store, id, otherwise = null) {
      const record = await run(store, "readonly", (found) => found.get([session.account, id]));
      return record ? parsed(await open(session, store, record)) : otherwise;
    },
    // Reads, changes and keeps a value in one go, also if the page is open twice; what `work` returns.
    change(session, store, id, otherwise, work) {
      return navigator.locks.request(`${NAME}-${store}-${id}`, async () => {
        const value = await this.get(session, store, id, otherwise);
        const result = work(value);
        await this.put(session, store, id, value);
        return result;
      });
    },
    async all(session, store) {
      const records = await run(store, "readonly", (found) => found.getAll(mine(session)));
      return Promise.all(records.map(async (record) => parsed(await open(session, store, record))));
    },
    remove: (session, store, id) =>
      run(store, "readwrite", (found) => found.delete([session.account, id])),

    async putFile(session, id, bytes) {
      const closed = await close(session, "files", id, bytes);
      await run("files", "readwrite", (found) => found.put({ account: session.account, id, closed }));
    },
    async file(session, id) {
      const record = await run("files", "readonly", (found) => found.get([session.account, id]));
      return record ? open(session, "files", record) : null;
    },
  };
})();

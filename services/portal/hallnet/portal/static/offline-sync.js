// Between the queue in the browser and the hall: uploads first, then items, then what is new.
"use strict";

class Refused extends Error {
  constructor(told) {
    super(told.text);
    this.reason = told.reason;
  }
}

const Sync = (() => {
  const PIECE_BYTES = 256 * 1024;
  const BATCH_ITEMS = 40;
  const BATCH_CHARACTERS = 300_000;
  const ROUNDS_MAX = 20;
  const SHOWN_MILLISECONDS = 30 * 86400 * 1000;
  // After these nothing more is tried; any other refusal concerns one file alone.
  const OVER = new Set(["NOT_SIGNED_IN", "DEVICE_UNKNOWN", "ACTOR_UNKNOWN", "FORM_STALE"]);
  const NUMBERS_LOW = 3;
  const FINAL = new Set([
    "ITEM_STATE_DONE", "ITEM_STATE_REFUSED", "ITEM_STATE_CONFLICT",
    "ITEM_STATE_QUARANTINED", "ITEM_STATE_DISCARDED",
  ]);

  async function asked(path, options = {}) {
    const answer = await fetch(path, { cache: "no-store", ...options });
    const told = await answer.json();
    if (!answer.ok) throw new Refused(told);
    return told;
  }

  const who = () => asked("/offline/who");

  function post(online, path, value) {
    return asked(path, {
      method: "POST",
      headers: { "x-hallnet-token": online.token, "content-type": "application/json" },
      body: value instanceof ArrayBuffer ? value : JSON.stringify(value),
    });
  }

  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  // The key of who is signed in; the page works without a network from here on.
  async function open(online) {
    const opened = await post(online, "/offline/open", {});
    const { account, name, agent, points } = online;
    return Store.begin({ account, name, agent, points }, bytesOf(opened.key));
  }

  async function signOut(online) {
    await fetch("/sign-out", { method: "POST", body: new URLSearchParams({ token: online.token }), redirect: "manual" });
  }

  const enrol = (online, name) => post(online, "/offline/enrol", { name });

  // A file goes on at the byte that came last, however often the line breaks.
  async function upload(session, online, file) {
    const at = (offset) =>
      `/offline/uploads/${file.id}?size=${file.size}&offset=${offset}&type=${encodeURIComponent(file.type)}`;
    let state = await post(online, at(0), new ArrayBuffer(0));
    if (state.complete) return;
    const bytes = await Store.file(session, file.id);
    if (!bytes) return;
    for (let pieces = 0; !state.complete && pieces <= bytes.byteLength / PIECE_BYTES + 1; pieces += 1) {
      const offset = Number(state.received);
      state = await post(online, at(offset), bytes.slice(offset, offset + PIECE_BYTES));
    }
  }

  function nextBatch(items) {
    const batch = [];
    let characters = 0;
    for (const item of items) {
      characters += item.body.length;
      if (batch.length === BATCH_ITEMS || (batch.length && characters > BATCH_CHARACTERS)) break;
      batch.push(item);
    }
    return batch;
  }

  async function send(session, online) {
    const waiting = (await Store.all(session, "items"))
      .filter((item) => !FINAL.has(item.result?.state))
      .sort((one, other) => one.made.localeCompare(other.made));
    for (const item of [...waiting]) {
      try {
        for (const file of item.files) await upload(session, online, file);
      } catch (error) {
        if (!(error instanceof Refused) || OVER.has(error.reason)) throw error;
        waiting.splice(waiting.indexOf(item), 1);
        await note(session, item, { state: "ITEM_STATE_WAITS", problem: { chinese: error.message } });
      }
    }
    while (waiting.length) {
      const batch = nextBatch(waiting);
      waiting.splice(0, batch.length);
      const items = batch.map(({ id, body }) => ({ id, body }));
      const { results } = await post(online, "/offline/exchange", { items });
      for (const [place, item] of batch.entries()) await note(session, item, results[place]);
    }
  }

  // What became of an item; its files are not needed any more once it is done.
  async function note(session, item, result) {
    await Store.put(session, "items", item.id, { ...item, result });
    if (result.state !== "ITEM_STATE_DONE") return;
    for (const file of item.files) await Store.remove(session, "files", file.id);
  }

  // What was done long ago is not shown any more; it stands in the case.
  async function tidy(session) {
    for (const item of await Store.all(session, "items")) {
      const over = ["ITEM_STATE_DONE", "ITEM_STATE_DISCARDED"].includes(item.result?.state);
      if (over && Date.now() - new Date(item.made) > SHOWN_MILLISECONDS) await Store.remove(session, "items", item.id);
    }
  }

  async function settle(session, online, item, discard, reason) {
    const wanted = { id: item.id, request_id: crypto.randomUUID(), discard, reason };
    const { result } = await post(online, "/offline/settle", wanted);
    await note(session, item, result);
  }

  function keptCase(view) {
    const { summary, events, lastDigest, missingMaterials, gaps, item } = view;
    return {
      id: summary.caseId, number: summary.caseNo, item: summary.itemName, applicant: summary.applicant,
      stage: summary.stage, due: summary.dueOn, sequence: events.length, digest: lastDigest,
      missing: [...missingMaterials, ...gaps], materials: (item?.materials ?? []).map(({ name }) => name),
    };
  }

  async function fetchChanges(session, online) {
    const kept = await Store.get(session, "kept", "hall", { cases: {}, items: [], itemsDigest: "", calendarDigest: "" });
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const cases = Object.values(kept.cases).map(({ id, digest }) => ({ id, digest }));
      const known = { cases, items: kept.itemsDigest, calendar: kept.calendarDigest };
      const found = await post(online, "/offline/changes", known);
      for (const id of found.gone) delete kept.cases[id];
      for (const view of found.cases) kept.cases[view.summary.caseId] = keptCase(view);
      if (found.items.length || found.itemsDigest !== kept.itemsDigest) kept.items = found.items;
      if (found.calendar) kept.calendar = found.calendar;
      Object.assign(kept, { itemsDigest: found.itemsDigest, calendarDigest: found.calendarDigest });
      await Store.put(session, "kept", "hall", kept);
      if (!found.more) break;
    }
  }

  const inStock = (session, work) =>
    Store.change(session, "kept", "numbers", { free: [], request: null }, (stock) => {
      stock.free = stock.free.filter(({ until }) => new Date(until) > new Date());
      return work(stock);
    });

  // Taken out before it is used: a number is lost rather than given twice.
  const nextNumber = (session) => inStock(session, (stock) => stock.free.shift() ?? null);

  async function stockNumbers(session, online) {
    // The request is kept before it is sent: if its answer is lost, it is asked for again and not anew.
    const request = await inStock(session, (stock) => {
      if (stock.free.length >= NUMBERS_LOW) return null;
      stock.request ??= crypto.randomUUID();
      return stock.request;
    });
    if (!request) return;
    let found = [];
    try {
      ({ numbers: found } = await post(online, "/offline/numbers", { request_id: request }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    await inStock(session, (stock) => {
      if (stock.request !== request) return;
      stock.free.push(...found);
      stock.request = null;
    });
  }

  // One at a time, also if the page is open twice.
  function all(session, online) {
    return navigator.locks.request("hallnet-sync", async () => {
      await send(session, online);
      await fetchChanges(session, online);
      await stockNumbers(session, online);
      await tidy(session);
    });
  }

  return { who, open, signOut, enrol, all, settle, nextNumber, FINAL };
})();

// The page that works without a network.
"use strict";

const FILE_BYTES_MAX = 20 * 1024 * 1024;
const SYNC_MILLISECONDS = 30_000;
const MANDATE_DAYS = 180;
const ITEMS_MAX = 1000;
const STATES = {
  waits: ["待发送", "wait"],
  ITEM_STATE_WAITS: ["等待前项或材料", "wait"],
  ITEM_STATE_DONE: ["已办", "done"],
  ITEM_STATE_REFUSED: ["未办", "bad"],
  ITEM_STATE_CONFLICT: ["有冲突", "bad"],
  ITEM_STATE_QUARANTINED: ["已留存，待处理", "bad"],
  ITEM_STATE_DISCARDED: ["已作废", "plain"],
};
const STAGES = {
  CASE_STAGE_RECEIVED: "已收件", CASE_STAGE_CORRECTING: "待补正", CASE_STAGE_ACCEPTED: "已受理",
  CASE_STAGE_REVIEWED: "已初审", CASE_STAGE_DECIDED: "已决定", CASE_STAGE_PREREVIEW: "预审中",
  CASE_STAGE_RETURNED: "预审退回",
};
const HAPPENED = {
  noticeGiven: "出具一次性告知书", supplemented: "补正材料", accepted: "受理", declined: "不予受理",
  reviewed: "初审", handedOver: "移交其他大厅", takenOver: "其他大厅接收", decided: "作出决定",
  closed: "办结", withdrawn: "撤回", ended: "终止", mandateChanged: "委托变更", filed: "收件",
};

const at = (id) => document.getElementById(id);
const told = (text) => { at("line").textContent = text; };
const trouble = (text) => { at("trouble").textContent = text; };
let session = null;
let hall = { cases: {}, items: [] };

// What an item wants, as the hall reads it.

const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const hexOf = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function kept(file, name) {
  if (file.size > FILE_BYTES_MAX) throw new Error(`材料文件“${file.name}”超过20MB上限。请降低扫描分辨率或重新拍照后再选择`);
  if (!file.size) throw new Error(`材料文件“${file.name}”是空的，请重新选择`);
  const bytes = await file.arrayBuffer();
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const type = file.type || "application/octet-stream";
  await Store.putFile(session, hexOf(digest), bytes);
  return {
    file: { id: hexOf(digest), size: file.size, type },
    material: { name, digest: base64(digest), size: String(file.size), mediaType: type },
  };
}

async function queue(wanted, { id = crypto.randomUUID(), dependsOn = [], files = [], title, about, caseId = "", receipt = null }) {
  if ((await Store.all(session, "items")).length >= ITEMS_MAX) throw new Error(`本机已有${ITEMS_MAX}项事务。请先连网发送，并从列表移除已办的事务`);
  const made = new Date().toISOString();
  const body = JSON.stringify({ account: session.account, madeAt: made, dependsOn, ...wanted });
  await Store.put(session, "items", id, { id, body, files, made, title, about, caseId, receipt });
  return id;
}

function today(days = 0) {
  const day = new Date(Date.now() + (8 * 3600 + days * 86400) * 1000);
  return day.toISOString().slice(0, 10);
}

async function file(form) {
  const fields = new FormData(form);
  const item = hall.items.find(({ itemId }) => itemId === fields.get("item"));
  const kind = fields.get("kind");
  const number = fields.get("number").trim();
  const applicant = {
    name: fields.get("name").trim(), documentKind: kind,
    documentNumber: kind === "111" ? number.toUpperCase() : number,
    phone: fields.get("phone").trim(), address: fields.get("address").trim(),
  };
  const papers = [];
  for (const input of form.querySelectorAll("#materials input[type=file]")) {
    if (input.files[0]) papers.push(await kept(input.files[0], input.dataset.material));
  }
  const filing = {
    itemId: item.itemId, option: item.options.length ? fields.get("option") : "", applicant,
    channel: session.agent ? "CHANNEL_AGENT" : "CHANNEL_COUNTER",
    materials: papers.map(({ material }) => material),
  };
  const about = `${applicant.name.slice(0, 1)}**`;
  const dependsOn = [];
  if (session.agent) {
    const evidence = await kept(fields.get("evidence"), "mandate");
    const mandateId = crypto.randomUUID();
    const mandate = {
      mandateId, client: applicant, agentId: session.account, itemIds: [item.itemId],
      acts: ["MANDATE_ACT_SUBMIT", "MANDATE_ACT_COLLECT"], validFrom: today(), validUntil: fields.get("until"),
      evidenceKind: Number(fields.get("evidenceKind")),
      evidence: { ...evidence.material, submittedAt: new Date().toISOString() },
    };
    await queue({ mandate }, { id: mandateId, files: [evidence.file], title: "登记委托", about });
    Object.assign(filing, { mandateId, intakePoint: fields.get("point") });
    dependsOn.push(mandateId);
  }
  const reserved = await Sync.nextNumber(session);
  const receipt = reserved && { number: reserved.caseNo, code: reserved.queryCode };
  const application = { filing, reservedCaseNo: reserved?.caseNo ?? "" };
  await queue({ application }, { dependsOn, files: papers.map((paper) => paper.file), title: item.name, about, receipt });
  return receipt;
}

async function act(kind, form, found) {
  const fields = new FormData(form);
  const before = (await Store.all(session, "items"))
    .filter((item) => item.caseId === found.id && !Sync.FINAL.has(item.result?.state))
    .sort((one, other) => one.made.localeCompare(other.made)).at(-1);
  const files = [];
  let command = { withdraw: { reason: fields.get("reason") } };
  if (kind === "supplement") {
    const paper = await kept(fields.get("file"), fields.get("material"));
    files.push(paper.file);
    command = { supplement: { materials: [paper.material] } };
  }
  const caseAct = { caseId: found.id, basedOn: { sequence: found.sequence, digest: found.digest }, command };
  const title = kind === "supplement" ? `补交“${fields.get("material")}”` : "撤回申请";
  await queue({ caseAct }, { dependsOn: before ? [before.id] : [], files, title, about: found.number, caseId: found.id });
}

// What is shown.

function row(id, { badge, tone, age, title, line }) {
  const made = at(id).content.firstElementChild.cloneNode(true);
  const mark = made.querySelector(".badge");
  mark.textContent = badge;
  if (tone) mark.classList.add(tone);
  made.querySelector(".quiet").textContent = age;
  made.querySelector("strong").textContent = title;
  made.querySelector(".facts-line").textContent = line;
  return made;
}

function itemRow(item) {
  const state = item.result?.state ?? "waits";
  const [badge, tone] = STATES[state];
  const number = item.result?.caseNo || item.receipt?.number || "";
  const made = row("item-row", {
    badge, tone, age: new Date(item.made).toLocaleString("zh-CN"), title: item.title,
    line: [item.about, number].filter(Boolean).join("　"),
  });
  made.querySelector(".told").textContent = explained(item.result);
  const settled = ["ITEM_STATE_REFUSED", "ITEM_STATE_CONFLICT", "ITEM_STATE_QUARANTINED"].includes(state);
  if (settled) {
    made.querySelector(".acts").append(
      button(state === "ITEM_STATE_CONFLICT" ? "仍要办理" : "再试一次", () => settle(item, false)),
      button("作废", () => settle(item, true)),
    );
  } else if (state === "ITEM_STATE_DONE" || state === "ITEM_STATE_DISCARDED") {
    made.querySelector(".acts").append(button("从列表移除", () => Store.remove(session, "items", item.id)));
  }
  return made;
}

function explained(result) {
  if (!result) return "";
  const happened = (result.happened ?? []).map((event) => {
    const name = Object.keys(HAPPENED).find((fact) => fact in event);
    return HAPPENED[name] ?? "其他变化";
  });
  const problem = result.problem?.chinese ?? "";
  return happened.length ? `${problem} 离线期间：${happened.join("、")}。` : problem;
}

function button(text, work) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", () => tried(work));
  return made;
}

function caseRow(found) {
  const made = row("case-row", {
    badge: STAGES[found.stage] ?? "在办", age: found.due ? `期限 ${found.due}` : "", title: found.item,
    line: `${found.applicant}　${found.number}${found.missing.length ? `　缺：${found.missing.join("、")}` : ""}`,
  });
  const choices = made.querySelector("select");
  for (const name of [...new Set([...found.missing, ...found.materials])]) choices.append(new Option(name, name));
  for (const field of made.querySelectorAll(".field")) {
    const [label, control] = field.children;
    label.htmlFor = control.id = `${found.id}-${control.name}`;
  }
  for (const form of made.querySelectorAll("form")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      tried(() => act(form.dataset.act, form, found));
    });
  }
  return made;
}

async function show() {
  const items = (await Store.all(session, "items")).sort((one, other) => other.made.localeCompare(one.made));
  const waiting = items.filter((item) => !Sync.FINAL.has(item.result?.state)).length;
  at("count").textContent = waiting ? `待发送 ${waiting} 项` : "没有待发送的事务";
  at("items").replaceChildren(...items.map(itemRow));
  if (!at("cases").querySelector("details[open]")) {
    at("cases").replaceChildren(...Object.values(hall.cases).map(caseRow));
  }
}

async function showHall() {
  const before = at("item").value;
  hall = await Store.get(session, "kept", "hall", hall);
  at("item").replaceChildren(...hall.items.map(({ itemId, name }) => new Option(name, itemId)));
  if (before) at("item").value = before;
  if (at("item").value !== before || !at("materials").hasChildNodes()) showItem();
}

function showItem() {
  const item = hall.items.find(({ itemId }) => itemId === at("item").value);
  if (!item) return;
  at("option-field").hidden = !item.options.length;
  at("option").replaceChildren(...item.options.map(({ name }) => new Option(name, name)));
  at("materials").replaceChildren(...item.materials.map(({ name }, place) => {
    const field = document.createElement("div");
    const label = document.createElement("label");
    const input = document.createElement("input");
    field.className = "field";
    Object.assign(label, { textContent: name, htmlFor: `material-${place}` });
    Object.assign(input, { type: "file", id: `material-${place}` });
    input.dataset.material = name;
    field.append(label, input);
    return field;
  }));
}

// A draft is kept while it is typed.

const DRAFT = ["item", "name", "phone", "kind", "number", "address", "until"];
const draft = () => Object.fromEntries(DRAFT.map((name) => [name, at(name).value]));

async function restoreDraft() {
  const found = await Store.get(session, "kept", "draft", {});
  for (const [name, value] of Object.entries(found)) if (value) at(name).value = value;
  if (found.item) showItem();
}

function showReceipt(number, code, hidden = false) {
  at("receipt-number").textContent = number;
  at("receipt-code").textContent = code;
  at("receipt").hidden = hidden;
}

function clearForm() {
  at("filing").reset();
  at("until").value = today(MANDATE_DAYS);
  showItem();
}

// With and without a network.

async function tried(work) {
  trouble("");
  try {
    await work();
  } catch (error) {
    if (error instanceof TypeError) told("离线：内容已保存在本机，有网络后自动发送");
    else trouble(error.message);
  }
  if (session) await show();
}

async function settle(item, discard) {
  await Sync.settle(session, await Sync.who(), item, discard, discard ? "代办员作废" : "代办员核对后放行");
}

async function enter() {
  at("who").textContent = session.name;
  at("cases-link").href = session.agent ? "/agent" : "/cases";
  at("lock").hidden = false;
  at("work").hidden = false;
  at("enrol").hidden = at("sign-in").hidden = true;
  at("mandate").hidden = at("mandate").disabled = !session.agent;
  at("point").replaceChildren(...session.points.map(({ code, name }) => new Option(name, code)));
  at("until").value ||= today(MANDATE_DAYS);
  await showHall();
  await restoreDraft();
  await show();
}

function leave() {
  session = null;
  at("who").textContent = "";
  at("lock").hidden = at("work").hidden = true;
  for (const list of ["items", "cases"]) at(list).replaceChildren();
  at("filing").reset();
}

async function sync() {
  let online;
  try {
    online = await Sync.who();
    if (await Store.isLocked()) {
      await Sync.signOut(online);
      online = await Sync.who();
    }
    if (!online.enrolled) { leave(); at("enrol").hidden = false; told("请先登记本设备"); return; }
    if (session?.account !== online.account) {
      leave();
      session = await Sync.open(online);
      await enter();
    }
    told("正在发送…");
    await Sync.all(session, online);
    told(`在线：${new Date().toLocaleTimeString("zh-CN")} 已同步`);
    await showHall();
  } catch (error) {
    if (error instanceof TypeError) { told(session ? "离线：内容保存在本机，有网络后自动发送" : "离线：请在有网络时登录一次"); return; }
    if (["DEVICE_UNKNOWN", "ACTOR_UNKNOWN"].includes(error.reason)) { await Store.forgetKeys(); leave(); }
    if (error.reason === "NOT_SIGNED_IN") {
      if (await Store.isLocked()) await Store.forgetKeys();
      if (!(await Store.session())) leave();
    }
    if (error.reason === "NOT_SIGNED_IN" || !session) at("sign-in").hidden = false;
    told(session ? "登录已到期：内容保存在本机，登录后发送" : "请登录");
    trouble(error.reason === "NOT_SIGNED_IN" ? "" : error.message);
  }
  if (session) await show();
}

let syncing = null;
const syncOnce = () => { syncing ??= sync().finally(() => { syncing = null; }); return syncing; };

async function begin() {
  if (!window.isSecureContext) { told("离线收件须经HTTPS访问：请联系管理人员"); return; }
  if ("serviceWorker" in navigator) {
    navigator.serviceWorker.register("/offline-worker.js", { scope: "/offline" }).catch(() => {});
  }
  session = await Store.session();
  if (session) await enter();
  await syncOnce();
  setInterval(() => { if (!document.hidden) syncOnce(); }, SYNC_MILLISECONDS);
}

at("send").addEventListener("click", syncOnce);
at("item").addEventListener("change", showItem);
at("filing").addEventListener("change", () => session && Store.put(session, "kept", "draft", draft()));
at("filing").addEventListener("submit", (event) => {
  event.preventDefault();
  const { submitter } = event;
  submitter.disabled = true;
  // Nobody is to copy the number of the one before.
  showReceipt("", "", true);
  tried(async () => {
    const receipt = await file(event.target);
    await Store.put(session, "kept", "draft", {});
    clearForm();
    showReceipt(receipt?.number ?? "发送后生成", receipt?.code ?? "发送后生成");
  }).finally(() => { submitter.disabled = false; });
});
at("lock").addEventListener("click", async () => {
  await Store.lock();
  leave();
  told("已锁定：登录后继续");
  await syncOnce();
});
at("enrol").addEventListener("submit", (event) => {
  event.preventDefault();
  tried(async () => {
    await Sync.enrol(await Sync.who(), at("device-name").value);
    at("enrol").hidden = true;
    await syncOnce();
  });
});
window.addEventListener("online", syncOnce);
window.addEventListener("offline", () => told("离线：内容保存在本机，有网络后自动发送"));
begin();

// Small helps where there is JavaScript; every page works without it.
"use strict";

// A form is sent once: a second click waits for the answer to the first.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (event.submitter && event.submitter.name === "more") return;
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// A file above the limit is told before it is sent.
for (const input of document.querySelectorAll("input[data-upload]")) {
  input.addEventListener("change", () => {
    const file = input.files[0];
    const limit = Number(input.dataset.upload);
    const large = file && file.size > limit;
    let text = input.parentElement.querySelector(".trouble");
    const told = `材料文件超过${limit / 1024 / 1024}MB上限。请降低扫描分辨率或重新拍照后再选择`;
    input.setCustomValidity(large ? told : "");
    if (large && !text) {
      text = document.createElement("p");
      text.className = "trouble";
      input.after(text);
    }
    if (text) text.textContent = large ? told : "";
    input.setAttribute("aria-invalid", large ? "true" : "false");
  });
}

// One more row of a notice.
for (const button of document.querySelectorAll("[data-add-row]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const rows = button.form.querySelector("[data-rows]");
    const row = rows.lastElementChild.cloneNode(true);
    for (const input of row.querySelectorAll("input")) input.value = "";
    row.querySelector("legend").textContent = `第 ${rows.children.length + 1} 项`;
    rows.append(row);
    row.querySelector("input").focus();
  });
}

// Whoever signs out takes along the key to what lies here for work without a network.
for (const form of document.querySelectorAll("form[action='/sign-out']")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const opened = indexedDB.open("hallnet-offline");
    const go = () => form.submit();
    opened.onerror = opened.onblocked = go;
    opened.onsuccess = () => {
      const found = opened.result;
      if (!found.objectStoreNames.contains("keys")) { found.close(); indexedDB.deleteDatabase("hallnet-offline"); go(); return; }
      const gone = found.transaction("keys", "readwrite");
      gone.oncomplete = gone.onabort = go;
      gone.objectStore("keys").clear();
    };
  });
}

for (const select of document.querySelectorAll("select[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}

// What went wrong is read out first.
document.querySelector("[data-focus]")?.focus({ preventScroll: false });

// A page that shows how things stand brings itself up to date, but not under somebody's hands.
const live = document.querySelector("[data-refresh]");
if (live) {
  setInterval(async () => {
    if (document.hidden || live.contains(document.activeElement)) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-refresh]");
      if (fresh) live.replaceChildren(...fresh.childNodes);
    } catch { /* the next try comes soon */ }
  }, Number(live.dataset.refresh) * 1000);
}

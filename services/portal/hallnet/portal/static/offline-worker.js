// Keeps the page, so that it opens where there is no network. Nothing personal is ever kept here: the page is the
// same for everybody, and what the page asks of the hall passes by.
"use strict";

const CACHE = "hallnet-offline-page";

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.delete(CACHE)
      .then(() => caches.open(CACHE))
      .then((cache) => cache.addAll(SHELL.map((path) => new Request(path, { cache: "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { pathname, search } = new URL(event.request.url);
  if (event.request.method !== "GET" || !SHELL.includes(pathname + search)) return;
  event.respondWith(
    caches.match(event.request).then((kept) => kept ?? fetch(event.request)),
  );
});

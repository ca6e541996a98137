// Tells two minutes before a sign-in ends that it will, and lets the reader stay. Without this script it just ends.
"use strict";
(() => {
  const box = document.getElementById("leaving");
  if (!box) return;
  const form = box.querySelector("form");
  const warning = 2 * 60 * 1000;
  const others = "BroadcastChannel" in window ? new BroadcastChannel("sign-in") : null;
  let ends = Date.now() + Number(box.dataset.left) * 1000;

  // Clocks go on while a computer sleeps and timers do not, so the time is looked at again and again.
  function look() {
    const left = ends - Date.now();
    if (left <= 0) location.replace(location.pathname + location.search);
    box.hidden = left > warning;
  }

  function tell() {
    if (others) others.postMessage(ends);
    look();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" }).catch(() => null);
    if (answer === null) return;
    ends = answer.ok ? Date.now() + Number(box.dataset.lasts) * 1000 : 0;
    tell();
  });
  if (others) others.addEventListener("message", (event) => { ends = Math.max(ends, event.data); look(); });
  tell();
  setInterval(look, 5000);
})();

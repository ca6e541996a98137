// The folder page: says on its button what is ticked, and ticks all. Without this script the button works just the same.
"use strict";
(() => {
  const form = document.querySelector("form[data-selection]");
  if (!form) return;
  const boxes = [...form.querySelectorAll("input[name=pick]")];
  const all = form.querySelector("[data-all]");
  const button = form.querySelector("button[data-label]");
  const words = button.querySelector("span");
  const untouched = words.textContent;
  const count = (number, one, several) => `${number.toLocaleString("en")} ${number === 1 ? one : several}`;

  function size(bytes) {
    if (bytes < 1000) return count(bytes, "byte", "bytes");
    let unit = 0;
    let value = bytes / 1000;
    const units = ["kB", "MB", "GB", "TB", "PB", "EB"];
    while (value >= 999.5 && unit < units.length - 1) { value /= 1000; unit += 1; }
    return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
  }

  function tell() {
    const ticked = boxes.filter((box) => box.checked);
    const files = ticked.filter((box) => box.dataset.size !== undefined);
    const folders = ticked.length - files.length;
    const parts = [];
    if (files.length) {
      const bytes = files.reduce((sum, box) => sum + Number(box.dataset.size), 0);
      parts.push(`${count(files.length, "file", "files")} (${size(bytes)})`);
    }
    if (folders) parts.push(count(folders, "folder", "folders"));
    const alone = files.length === 1 && !folders;
    const label = alone ? "Download {}" : button.dataset.label;
    words.textContent = parts.length ? label.replace("{}", parts.join(" and ")) : untouched;
    button.disabled = !ticked.length;
    all.checked = ticked.length > 0 && ticked.length === boxes.length;
    all.indeterminate = ticked.length > 0 && ticked.length < boxes.length;
  }

  all.closest("[hidden]").hidden = !boxes.length;
  all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); tell(); });
  form.addEventListener("change", tell);
  window.addEventListener("pageshow", tell);
  tell();
})();

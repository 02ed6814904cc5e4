// Keyboard: letters press the button that names them; in a list j and k move, Enter opens, and
// letters press the buttons of the chosen row. Nothing here writes text into the page.
"use strict";
const rows = () =>
  [...document.querySelectorAll("tr[data-open], tr[data-row]")].filter((row) => !row.hidden);
const chosen = () => rows().find((row) => row.getAttribute("aria-selected") === "true");
const memory = `row ${window.location.pathname}`;

function choose(place) {
  const all = rows();
  if (!all.length) return;
  const next = Math.min(Math.max(place, 0), all.length - 1);
  all.forEach((row, number) => row.setAttribute("aria-selected", String(number === next)));
  all[next].scrollIntoView({ block: "nearest" });
  const link = all[next].querySelector("a");
  if (link) link.focus({ preventScroll: true });
  window.sessionStorage.setItem(memory, String(next));
}

function press(target) {
  if (target.matches("input, select")) {
    target.focus();
    if (target.select) target.select();
  } else {
    target.click();
  }
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) {
    if (typing && event.key === "Escape") typing.blur();
    return;
  }
  const row = chosen();
  const name = `[data-key="${CSS.escape(event.key)}"]`;
  const target =
    (row && row.querySelector(name)) ||
    [...document.querySelectorAll(name)].find((found) => !found.closest("tr"));
  const turned = document.querySelector(`[data-turn="${CSS.escape(event.key)}"]`);
  if (target) {
    event.preventDefault();
    press(target);
  } else if (turned) {
    // the next person for this card
    turned.selectedIndex = (turned.selectedIndex + 1) % turned.options.length;
  } else if (event.key === "j" || event.key === "k") {
    const place = rows().indexOf(row);
    choose(event.key === "j" ? place + 1 : place - 1);
  } else if (event.key === "Enter" && row && row.dataset.open && event.target === document.body) {
    window.location.assign(row.dataset.open);
  }
});

// A decision is sent once, however often the key is hit.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
// The page may come back from the browser's memory: then it may be sent again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-filter]")) return;
  const wanted = event.target.value.toLowerCase();
  document.querySelectorAll("tr[data-open], tr[data-row]").forEach((row) => {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
});

// After a decision the list comes back where it was.
const place = Number.parseInt(window.sessionStorage.getItem(memory) ?? "", 10);
if (document.querySelector(".note") && Number.isInteger(place)) choose(place);

// Keyboard: letters press the button that names them; j and k walk through a list, Enter opens.
"use strict";
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) {
    if (typing && event.key === "Escape") typing.blur();
    return;
  }
  const pressed = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (pressed) {
    event.preventDefault();
    if (pressed.matches("input, select")) pressed.focus();
    else pressed.click();
    return;
  }
  const rows = [...document.querySelectorAll("tr[data-open]")];
  if (!rows.length) return;
  const place = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
  if (event.key === "j" || event.key === "k") {
    const next = Math.min(Math.max(place + (event.key === "j" ? 1 : -1), 0), rows.length - 1);
    rows.forEach((row, number) => row.setAttribute("aria-selected", String(number === next)));
    rows[next].scrollIntoView({ block: "nearest" });
    const field = rows[next].querySelector("a");
    if (field) field.focus({ preventScroll: true });
  } else if (event.key === "Enter" && place >= 0 && event.target === document.body) {
    window.location.assign(rows[place].dataset.open);
  }
});
// A decision is sent once, however often the key is hit.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});

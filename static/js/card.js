// Shows the card of a source while its marker is pointed at or has the focus. Fingers get the panel instead.
const OPEN_MS = 150;
const CLOSE_MS = 200;
const GAP = 6;
const EDGE = 8;
let shown = null;
let owner = null;
let timer;

function place(card, marker) {
  const at = marker.getBoundingClientRect();
  const size = card.getBoundingClientRect();
  const left = Math.min(Math.max(EDGE, at.left + at.width / 2 - size.width / 2), innerWidth - size.width - EDGE);
  const hasRoomBelow = at.bottom + GAP + size.height + EDGE <= innerHeight;
  card.style.left = `${Math.max(EDGE, left)}px`;
  card.style.top = `${hasRoomBelow ? at.bottom + GAP : Math.max(EDGE, at.top - GAP - size.height)}px`;
}

function show(marker) {
  clearTimeout(timer);
  const card = document.getElementById(marker.dataset.card);
  if (!card || card === shown) return;
  hide();
  card.showPopover();
  place(card, marker);
  shown = card;
  owner = marker;
}

function hide() {
  clearTimeout(timer);
  // A frame may have replaced the message meanwhile.
  if (shown?.isConnected && shown.matches(":popover-open")) shown.hidePopover();
  shown = owner = null;
}

function later(action, wait) {
  clearTimeout(timer);
  timer = setTimeout(action, wait);
}

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const marker = event.target.closest?.("[data-card]");
  if (marker) later(() => show(marker), OPEN_MS);
  else if (shown?.contains(event.target)) clearTimeout(timer);
  else if (shown) later(hide, CLOSE_MS);
  else clearTimeout(timer);
});

document.addEventListener("focusin", (event) => {
  const marker = event.target.closest("[data-card]");
  if (marker?.matches(":focus-visible")) show(marker);
  else if (shown && !shown.contains(event.target)) hide();
});

document.addEventListener("focusout", (event) => {
  if (event.target === owner) hide();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-card]")) hide();
});

// Before the panel, which the same key would close.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Escape" || !shown) return;
    event.stopImmediatePropagation();
    hide();
  },
  true,
);

document.addEventListener("scroll", () => shown && hide(), { capture: true, passive: true });
document.addEventListener("htmx:afterSettle", () => owner && !owner.isConnected && hide());

// Keys for the whole page. Dialogs and menus close by themselves on Escape.
function isTyping(target) {
  return target.matches?.("input, textarea, select, [contenteditable]");
}

function searchFocus() {
  const drawer = document.querySelector("[data-drawer-open]");
  if (drawer?.offsetParent && document.querySelector("[data-drawer-root]").dataset.drawer !== "open") drawer.click();
  document.querySelector('[data-shortcut="search"]')?.select();
}

function run(event) {
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (control && !event.shiftKey && key === "k") return searchFocus;
  if (control && event.shiftKey && key === "o") return () => document.querySelector('[data-shortcut="new"]')?.click();
  if (control || event.altKey || isTyping(event.target)) return null;
  if (key === "/") return searchFocus;
  if (key === "?") return () => document.getElementById("shortcuts").showModal();
  return null;
}

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog:modal")) return;
  if (event.key === "Escape") {
    const stop = document.querySelector("[data-stop]");
    if (stop?.offsetParent && !event.defaultPrevented && !document.querySelector(":popover-open")) stop.click();
    return;
  }
  const action = run(event);
  if (!action) return;
  event.preventDefault();
  action();
});

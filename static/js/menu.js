// Menus are popovers; this places them beside their button and moves the focus with the arrow keys.
const GAP = 4;

function place(menu) {
  const button = document.querySelector(`[popovertarget="${menu.id}"]`);
  if (!button) return;
  const from = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = from.bottom + GAP;
  const top = below + height > innerHeight ? Math.max(GAP, from.top - height - GAP) : below;
  const start = from.left + width > innerWidth ? from.right - width : from.left;
  menu.style.top = `${top}px`;
  menu.style.left = `${Math.max(GAP, start)}px`;
}

function items(menu) {
  return [...menu.querySelectorAll("a, button")];
}

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!menu.matches?.("[data-menu]")) return;
    const isOpen = event.newState === "open";
    document.querySelector(`[popovertarget="${menu.id}"]`)?.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    place(menu);
    items(menu)[0]?.focus({ focusVisible: true });
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("[data-menu]");
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const list = items(menu);
  const at = list.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1 + list.length, Home: 0, End: list.length - 1 }[event.key];
  list[next % list.length].focus();
});

document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-menu] .menu-item");
  if (item) item.closest("[data-menu]").hidePopover();
});

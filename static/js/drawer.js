// The sidebar as a drawer on narrow screens. While it is open the rest of the page is inert, which traps the focus.
const narrow = matchMedia("(width < 48rem)");
const root = document.querySelector("[data-drawer-root]");
let opener = null;

function set(isOpen) {
  root.toggleAttribute("data-drawer", isOpen);
  if (isOpen) root.dataset.drawer = "open";
  document.getElementById("main").inert = isOpen;
  root.querySelector(".app-shade").hidden = !isOpen;
  for (const button of document.querySelectorAll("[data-drawer-open]")) {
    button.setAttribute("aria-expanded", String(isOpen));
  }
}

function open(button) {
  opener = button;
  set(true);
  root.querySelector("#sidebar [data-drawer-close]").focus();
}

function close() {
  if (root.dataset.drawer !== "open") return;
  set(false);
  opener?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-drawer-open]");
  if (button) open(button);
  else if (event.target.closest("[data-drawer-close]")) close();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog:modal, :popover-open")) close();
});

narrow.addEventListener("change", () => {
  if (!narrow.matches && root.dataset.drawer === "open") set(false);
});

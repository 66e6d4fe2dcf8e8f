// Shows a cited passage, or why an answer is as it is, beside the conversation; on narrow screens over it.
const wide = matchMedia("(width >= 75rem)");
const panel = document.querySelector("[data-panel]");
const body = document.getElementById("panel-body");
const title = document.getElementById("panel-title");
let opener = null;

function open(link) {
  opener?.removeAttribute("aria-expanded");
  opener = link;
  link.setAttribute("aria-expanded", "true");
  title.textContent = link.dataset.panelTitle ?? "Source";
  body.replaceChildren();
  body.setAttribute("aria-busy", "true");
  if (!panel.open) wide.matches ? panel.show() : panel.showModal();
  htmx.ajax("GET", link.href, { target: body, swap: "innerHTML" });
  body.focus();
}

function shut() {
  panel.close();
}

panel.addEventListener("close", () => {
  opener?.removeAttribute("aria-expanded");
  opener?.focus();
  opener = null;
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-panel-open]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    open(link);
  } else if (event.target.closest("[data-panel-close]") || event.target === panel) {
    shut();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !panel.open || document.querySelector("dialog:modal, :popover-open")) return;
  event.stopImmediatePropagation();
  shut();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.target === body) body.removeAttribute("aria-busy");
});

function pageState(event) {
  if (event.target.matches?.("[data-page-image]")) {
    event.target.parentElement.dataset.state = event.type === "load" ? "shown" : "failed";
  }
}
document.addEventListener("load", pageState, true);
document.addEventListener("error", pageState, true);

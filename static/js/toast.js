// Short messages at the bottom. Errors stay until they are closed; the rest leave by themselves.
const SHOWN_MS = 6000;
const region = document.getElementById("toasts");

function show({ message, kind = "info" }) {
  const toast = document.createElement("div");
  toast.className = `toast toast-${kind}`;
  toast.setAttribute("role", "alert");
  toast.dataset.toast = "";
  const text = document.createElement("span");
  text.textContent = message;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "icon-button";
  close.dataset.toastClose = "";
  close.setAttribute("aria-label", "Close the message");
  close.textContent = "×";
  toast.append(text, close);
  region.append(toast);
}

function expire(toast) {
  if (toast.classList.contains("toast-error")) return;
  const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, SHOWN_MS) : toast.remove());
  setTimeout(leave, SHOWN_MS);
}

new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (node instanceof HTMLElement) expire(node);
  }
}).observe(region, { childList: true });
for (const toast of region.querySelectorAll("[data-toast]")) expire(toast);

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-toast-close]")) event.target.closest("[data-toast]").remove();
});

document.addEventListener("app:toast", (event) => show(event.detail));

document.addEventListener("htmx:sendError", () => {
  show({ message: "The server does not answer. What you wrote is kept; please try again.", kind: "error" });
});

// An error page of a proxy must not land in the middle of ours. Our own errors say where they go.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (xhr.status < 400 || xhr.status === 422 || xhr.getResponseHeader("HX-Retarget")) return;
  event.detail.shouldSwap = false;
  show({ message: `The server could not do that (${xhr.status}). Please try again.`, kind: "error" });
});

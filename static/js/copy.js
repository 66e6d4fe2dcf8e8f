// Copies a message as it was written, or the code of a block.
const SHOWN_MS = 1500;

function textOf(button) {
  if (button.dataset.copy === "code") return button.closest(".code-block").querySelector("code").textContent;
  return button.dataset.text;
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(textOf(button));
  } catch {
    const detail = { message: "The browser does not let this page copy. Select the text instead.", kind: "error" };
    document.dispatchEvent(new CustomEvent("app:toast", { detail }));
    return;
  }
  const before = button.getAttribute("aria-label");
  button.dataset.copied = "";
  if (before) button.setAttribute("aria-label", "Copied");
  else button.textContent = "Copied";
  setTimeout(() => {
    delete button.dataset.copied;
    if (before) button.setAttribute("aria-label", before);
    else button.textContent = "Copy";
  }, SHOWN_MS);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// Opens and closes dialogs: those that stand in the page, and the shared one when htmx has filled it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) document.getElementById(opener.dataset.dialogOpen).showModal();
  else if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog").close();
  else if (event.target.matches("dialog.dialog")) closeOutside(event);
});

function closeOutside(event) {
  // A click on the backdrop has the dialog as its target and lies outside its box.
  const box = event.target.getBoundingClientRect();
  const isInside =
    event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!isInside) event.target.close();
}

// After settling, because htmx moves the focus then.
document.addEventListener("htmx:afterSettle", (event) => {
  const dialog = document.getElementById("dialog");
  if (!dialog.open && dialog.contains(event.target) && event.target.childElementCount) dialog.showModal();
});

document.addEventListener("dialog-close", () => document.getElementById("dialog").close());

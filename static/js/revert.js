// A form whose change was refused shows again what holds.
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("[data-revert]");
  if (form && !event.detail.successful) form.reset();
});

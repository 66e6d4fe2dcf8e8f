// Theme of the page: the system's, light or dark. The cookie lets the server render the right one without a flash.
const YEAR_SECONDS = 31536000;
const root = document.documentElement;

function show() {
  const current = root.dataset.theme ?? "system";
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === current));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-choice]");
  if (!button) return;
  const choice = button.dataset.themeChoice;
  if (choice === "system") {
    delete root.dataset.theme;
    document.cookie = "theme=; path=/; max-age=0; samesite=lax";
  } else {
    root.dataset.theme = choice;
    document.cookie = `theme=${choice}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  }
  show();
});

show();

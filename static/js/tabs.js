// On narrow screens tabs are a strip that scrolls: the current one must be in sight.
document.querySelector(".settings-tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Comfort only: every page works without this file.
"use strict";

const film = document.getElementById("film");
for (const link of document.querySelectorAll("a[data-at]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    film.currentTime = Number(link.dataset.at);
    film.play().catch(() => {}); // A browser may want a click on the player first.
    film.scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
}

// A deadline in the reader's own time, beside the one in UTC.
for (const time of document.querySelectorAll("time[datetime]")) {
  time.title = new Date(time.dateTime).toLocaleString();
}

const bundle = document.getElementById("bundle");
if (bundle) {
  const chosen = document.getElementById("chosen");
  const count = () => {
    const said = (value) =>
      bundle.querySelectorAll(`input[type=radio][value=${value}]:checked`).length;
    const parts = [];
    if (said("approve")) parts.push(`${said("approve")} yes`);
    if (said("reject")) parts.push(`${said("reject")} no`);
    chosen.textContent = parts.join(", ") || "what I chose";
    for (const choice of bundle.querySelectorAll(".choice")) {
      const isNo = choice.querySelector("input[value=reject]").checked;
      choice.querySelector(".because input").required = isNo;
    }
  };
  bundle.addEventListener("change", count);
  count();
}

// One click, one answer: later ones while the page is still sending are ignored.
for (const form of document.forms) {
  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
}
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

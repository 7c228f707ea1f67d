"use strict";
// The page is complete without this: it only sorts tables and points at days.
document.querySelectorAll("thead").forEach((head) => {
  const body = head.parentElement.tBodies[0];
  if (body.rows.length > 2) [...head.rows[0].cells].forEach((cell, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => {
      const down = cell.getAttribute("aria-sort") !== "descending";
      [...head.rows[0].cells].forEach((other) => other.removeAttribute("aria-sort"));
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      const units = { bytes: 1, KB: 1024, MB: 1048576, GB: 1073741824 };
      const value = (row) => {
        const text = row.cells[place].textContent.trim();
        const [number, unit] = text.replace(/[,%]/g, "").split(" ");
        return cell.classList.contains("n") ? (parseFloat(number) * (units[unit] || 1) || 0) : text;
      };
      const sign = down ? -1 : 1;
      const order = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b);
      [...body.rows].sort((a, b) => sign * order(value(a), value(b))).forEach((row) => body.append(row));
    });
  });
});
document.querySelectorAll("figure[data-history]").forEach((figure) => {
  // Read once, in order of time, before anybody sorts the table.
  const days = [...document.getElementById(figure.dataset.history).tBodies[0].rows].map((row) =>
    [...row.cells].map((cell) => cell.textContent));
  const tip = figure.querySelector(".tip");
  figure.querySelectorAll("svg").forEach((picture) => {
    const pointer = picture.querySelector(".pointer");
    const left = Number(pointer.dataset.left), right = Number(pointer.dataset.right);
    picture.addEventListener("pointermove", (event) => {
      const box = picture.getBoundingClientRect();
      const x = (event.clientX - box.left) * picture.viewBox.baseVal.width / box.width;
      const place = Math.floor((x - left) / (right - left) * days.length);
      const shown = days[Math.max(0, Math.min(days.length - 1, place))];
      const at = left + (right - left) * (days.indexOf(shown) + 0.5) / days.length;
      pointer.setAttribute("transform", "translate(" + at + " 0)");
      pointer.removeAttribute("hidden");
      tip.hidden = false;
      tip.textContent = shown[0] + ": " + shown[1] + " in " + shown[2] + " orders";
    });
    picture.addEventListener("pointerleave", () => {
      pointer.setAttribute("hidden", "hidden");
      tip.hidden = true;
    });
  });
});

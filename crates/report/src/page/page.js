// What happens under the pointer and the keys. The page is complete without it.
"use strict";
(() => {
  const root = document.documentElement;
  const gallery = JSON.parse(document.getElementById("gallery").textContent);
  root.classList.add("js");

  // Elements.

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function svgElement(tag, attributes, parent) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    parent.append(made);
    return made;
  }

  function thumbnail(index) {
    const made = element("i", "t");
    made.style.setProperty("--x", index % gallery.columns);
    made.style.setProperty("--y", Math.floor(index / gallery.columns));
    return made;
  }

  function className(index) {
    const label = gallery.labels[index];
    return label === null ? "" : gallery.classes[label];
  }

  // Name, class and prediction, one a line.
  function describe(index) {
    const lines = [gallery.names[index]];
    if (className(index)) lines.push(className(index));
    const prediction = gallery.predictions[index];
    if (prediction !== null) lines.push(`predicted ${gallery.classes[prediction]}`);
    return lines;
  }

  function showLines(parent, lines) {
    for (const line of lines) parent.append(element("div", "", line));
  }

  function dataOf(figure) {
    return JSON.parse(figure.querySelector("script").textContent);
  }

  // Light and dark.

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = element("button", "theme", "◐");
  theme.type = "button";
  theme.title = "light or dark";
  theme.setAttribute("aria-label", "light or dark");
  theme.addEventListener("click", () => {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
  });
  document.body.prepend(theme);

  // Map.

  const REACH = 24; // pixels around the pointer in which a point is found
  const WIDTH = 1000; // of the drawing

  function map(figure) {
    const { points, height, groups, near, distances } = dataOf(figure);
    const svg = figure.querySelector("svg");
    const tip = figure.querySelector(".tip");
    const detail = figure.querySelector(".detail");
    const paths = [...svg.querySelectorAll("path")];
    const buttons = [...figure.querySelectorAll(".legend button")];
    const groupOf = [];
    groups.forEach((rows, group) => rows.forEach((row) => (groupOf[row] = group)));
    const hidden = new Set();
    const shown = (index) => !hidden.has(groupOf[index]);
    let current = null;

    const dots = { fill: "none", "stroke-linecap": "round", "vector-effect": "non-scaling-stroke" };
    const marks = svgElement("g", { "pointer-events": "none" }, svg);
    const links = svgElement("path", { ...dots, stroke: "currentColor", "stroke-opacity": 0.6 }, marks);
    const around = svgElement("path", { ...dots, stroke: "currentColor", "stroke-width": 11 }, marks);
    const within = svgElement("g", {}, marks);
    const ring = svgElement("path", { ...dots, stroke: "currentColor", "stroke-width": 15 }, marks);
    const dot = svgElement("path", { ...dots, "stroke-width": 10 }, marks);
    const place = (index) => `M${points[index][0]} ${points[index][1]}h0`;
    const colorOf = (index) => paths[groupOf[index]].getAttribute("stroke");

    function nearest(event) {
      const box = svg.getBoundingClientRect();
      const scale = WIDTH / box.width;
      const x = (event.clientX - box.left) * scale;
      const y = (event.clientY - box.top) * scale;
      let best = null;
      let least = (REACH * scale) ** 2;
      points.forEach(([a, b], index) => {
        const square = (a - x) ** 2 + (b - y) ** 2;
        if (square < least && shown(index)) [best, least] = [index, square];
      });
      return best;
    }

    function hover(index) {
      current = index;
      tip.hidden = index === null;
      ring.setAttribute("d", index === null ? "" : place(index));
      dot.setAttribute("d", index === null ? "" : place(index));
      if (index === null) return;
      dot.setAttribute("stroke", colorOf(index));
      tip.replaceChildren(thumbnail(index));
      showLines(tip, describe(index));
      const [x, y] = [(100 * points[index][0]) / WIDTH, (100 * points[index][1]) / height];
      Object.assign(tip.style, {
        left: x < 50 ? `calc(${x}% + 14px)` : "auto",
        right: x < 50 ? "auto" : `calc(${100 - x}% + 14px)`,
        top: y < 50 ? `calc(${y}% + 10px)` : "auto",
        bottom: y < 50 ? "auto" : `calc(${100 - y}% + 10px)`,
      });
    }

    function select(index) {
      const neighbors = near[index];
      links.setAttribute("d", neighbors.map((other) => `M${points[index]}L${points[other]}`).join(""));
      around.setAttribute("d", neighbors.map(place).join(""));
      within.replaceChildren();
      for (const other of neighbors) {
        svgElement("path", { ...dots, stroke: colorOf(other), "stroke-width": 7, d: place(other) }, within);
      }
      const heading = element("h3", "", describe(index).join(" · "));
      const cards = element("div", "cards");
      neighbors.forEach((other, rank) => {
        const card = element("button", className(other) === className(index) ? "" : "other");
        card.type = "button";
        card.title = describe(other).join(", ");
        card.append(thumbnail(other));
        showLines(card, [className(other) || gallery.names[other], distances[index][rank].toFixed(3)]);
        card.addEventListener("click", () => {
          hover(other);
          select(other);
        });
        cards.append(card);
      });
      const text = `its ${neighbors.length} nearest neighbors, with their distance`;
      detail.replaceChildren(heading, thumbnail(index), element("div", "hint", text), cards);
    }

    // The nearest point in the direction of an arrow key.
    function beside(index, [dx, dy]) {
      const [x, y] = points[index];
      let best = index;
      let least = Infinity;
      points.forEach(([a, b], other) => {
        const along = (a - x) * dx + (b - y) * dy;
        const across = Math.abs((a - x) * dy - (b - y) * dx);
        const cost = along + 2 * across;
        if (along > 0 && across <= along && cost < least && shown(other)) [best, least] = [other, cost];
      });
      return best;
    }

    const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    svg.addEventListener("pointermove", (event) => hover(nearest(event)));
    svg.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") hover(null);
    });
    svg.addEventListener("click", (event) => {
      const index = nearest(event);
      hover(index);
      if (index !== null) select(index);
    });
    svg.addEventListener("keydown", (event) => {
      const first = points.findIndex((_, index) => shown(index));
      if (event.key === "Escape") hover(null);
      else if (first < 0) return;
      else if (ARROWS[event.key]) hover(current === null ? first : beside(current, ARROWS[event.key]));
      else if (event.key === "Enter" || event.key === " ") select(current === null ? first : current);
      else return;
      event.preventDefault();
    });
    svg.addEventListener("blur", () => hover(null));

    // A button hides its class; pointing at it shows where the class is.
    buttons.forEach((button, group) => {
      button.addEventListener("click", () => {
        if (!hidden.delete(group)) hidden.add(group);
        button.setAttribute("aria-pressed", !hidden.has(group));
        paths[group].style.display = hidden.has(group) ? "none" : "";
      });
      const highlight = (on) => () => {
        svg.classList.toggle("dim", on);
        paths[group].classList.toggle("on", on);
      };
      button.addEventListener("pointerenter", highlight(true));
      button.addEventListener("pointerleave", highlight(false));
    });
  }

  // Confusion of classes.

  function confusion(figure) {
    const { names, counts, left, top, cell, width } = dataOf(figure);
    const svg = figure.querySelector("svg");
    const line = figure.querySelector(".line");
    const detail = figure.querySelector(".detail");
    const last = names.length - 1;
    let current = null;
    const frame = svgElement(
      "rect",
      { width: cell, height: cell, fill: "none", stroke: "currentColor", "stroke-width": 2, visibility: "hidden",
        "pointer-events": "none" },
      svg,
    );

    function hover(label, prediction) {
      current = [label, prediction];
      frame.setAttribute("x", left + prediction * cell);
      frame.setAttribute("y", top + label * cell);
      frame.setAttribute("visibility", "visible");
      const row = counts.slice(label * names.length, (label + 1) * names.length);
      const samples = row.reduce((a, b) => a + b, 0);
      const share = samples ? ` (${((100 * row[prediction]) / samples).toFixed(1)} %)` : "";
      line.textContent =
        `${row[prediction]} of ${samples}${share} ${names[label]} predicted as ${names[prediction]}`;
    }

    function cellAt(event) {
      const box = svg.getBoundingClientRect();
      const scale = width / box.width;
      const column = Math.floor(((event.clientX - box.left) * scale - left) / cell);
      const row = Math.floor(((event.clientY - box.top) * scale - top) / cell);
      return [row, column].every((n) => n >= 0 && n <= last) ? [row, column] : null;
    }

    function select([label, prediction]) {
      // Images are known by the same classes only.
      if (!gallery || gallery.classes.length !== names.length) return;
      const found = gallery.names.map((_, index) => index)
        .filter((index) => gallery.labels[index] === label && gallery.predictions[index] === prediction);
      const cards = element("div", "row");
      for (const index of found.slice(0, 40)) {
        const made = thumbnail(index);
        made.title = describe(index).join(", ");
        cards.append(made, " ");
      }
      const text = `${names[label]} predicted as ${names[prediction]}: ${found.length} of the page's images`;
      detail.replaceChildren(element("h3", "", text), cards);
    }

    const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    svg.addEventListener("pointermove", (event) => {
      const found = cellAt(event);
      if (found) hover(...found);
    });
    svg.addEventListener("click", (event) => {
      const found = cellAt(event);
      if (!found) return;
      hover(...found);
      select(found);
    });
    svg.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (step && current) hover(...current.map((n, axis) => Math.min(last, Math.max(0, n + step[axis]))));
      else if (step) hover(0, 0);
      else if ((event.key === "Enter" || event.key === " ") && current) select(current);
      else return;
      event.preventDefault();
    });
  }

  document.querySelectorAll("figure.map").forEach(map);
  document.querySelectorAll("figure.confusion").forEach(confusion);
})();
